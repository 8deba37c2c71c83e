"""A real API server with the charts installed, a real S3 server behind a gate, and the model server's real binary."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gate import Gate
from kubernetes import client, config

ACCESS, SECRET = "understudy", "do-not-log-me"
GROUP, VERSION = "understudy.dev", "v1alpha1"


@pytest.fixture(scope="session")
def api() -> client.ApiClient:
    return config.new_client_from_config(os.environ["BARE_KUBECONFIG"])


class Store:
    """An S3 server with the bucket `models`. The gate between it and its callers can interrupt them."""

    def __init__(self, folder: Path) -> None:
        for name in ("data/models", "metadata", "secret"):
            (folder / name).mkdir(parents=True)
        self.folder = folder / "data" / "models"
        high, low = divmod(os.getpid(), 256)
        address = f"127.{high % 256}.{low}.9"
        command = [
            "versitygw",
            "--port",
            f"{address}:7070",
            "--keep-alive",
            "posix",
            "--sidecar",
            folder / "metadata",
            folder / "data",
        ]
        keys = {"ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET}
        self.process = subprocess.Popen(
            command, env=os.environ | keys, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert any("service listening" in line for line in self.process.stdout), "the S3 server ended before it listened"
        threading.Thread(target=lambda: list(self.process.stdout), daemon=True).start()
        self.gate = Gate((address, 7070))
        self.secret_folder = folder / "secret"
        for name, value in self.keys().items():
            (self.secret_folder / name).write_text(value)

    def keys(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.gate.port}",
        }

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    running = Store(tmp_path / "s3")
    yield running
    running.gate.close()
    running.process.kill()
    running.process.wait()


class Team:
    """A namespace with a ModelDeployment `fraud`, the Secret `s3`, and alice, who may request."""

    def __init__(self, api: client.ApiClient, store: Store) -> None:
        self.api, self.store = api, store
        self.namespace = f"team-{uuid.uuid4().hex[:8]}"
        self.core, self.custom = client.CoreV1Api(api), client.CustomObjectsApi(api)
        self.rbac = client.RbacAuthorizationV1Api(api)
        annotations = {"understudy.dev/store": "s3://models/risk", "understudy.dev/store-secret": "s3"}
        self.core.create_namespace({"metadata": {"name": self.namespace, "annotations": annotations}})
        self.core.create_namespaced_secret(self.namespace, {"metadata": {"name": "s3"}, "stringData": store.keys()})
        self.create("modeldeployments", {"kind": "ModelDeployment", "metadata": {"name": "fraud"}, "spec": {}})
        self.bind("alice", "understudy-requester")
        rules = [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["s3"], "verbs": ["get"]}]
        self.rbac.create_namespaced_role(self.namespace, {"metadata": {"name": "read-s3"}, "rules": rules})
        self.bind("alice", "read-s3", "Role")
        self.rbac.create_cluster_role(
            {
                "metadata": {"name": f"read-{self.namespace}"},
                "rules": [{"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [self.namespace], "verbs": ["get"]}],
            }
        )
        self.bind("alice", f"read-{self.namespace}")

    def bind(self, user: str, role: str, kind: str = "ClusterRole") -> None:
        body = {
            "metadata": {"name": f"{user}-{role}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        }
        self.rbac.create_namespaced_role_binding(self.namespace, body)

    def create(self, plural: str, body: dict[str, Any]) -> dict[str, Any]:
        body = {"apiVersion": f"{GROUP}/{VERSION}"} | body
        return self.custom.create_namespaced_custom_object(GROUP, VERSION, self.namespace, plural, body)

    def versions(self) -> dict[str, dict[str, Any]]:
        found = self.custom.list_namespaced_custom_object(GROUP, VERSION, self.namespace, "modelversions")["items"]
        return {each["metadata"]["name"]: each for each in found}

    def reach(self) -> dict[str, Any]:
        """What a call of `publish` needs to act as alice."""
        return {"kubeconfig": os.environ["BARE_KUBECONFIG"], "impersonate": "alice"}


@pytest.fixture
def team(api: client.ApiClient, store: Store) -> Team:
    return Team(api, store)


class Pod:
    """The server's binary, as a pod of a ModelVersion starts it."""

    def __init__(self, spec: dict[str, Any], store: Store, folder: Path) -> None:
        folder.mkdir()
        self.log = folder / "termination-log"
        arguments = [
            os.environ["SERVER_BINARY"], "--deployment", spec["deployment"], "--version", spec["version"], "--bind", "127.0.0.1",
            "--main-port", "0", "--challenger-port", "0", "--direct-port", "0", "--metrics-port", "0",
            "--artifact", spec["artifact"]["uri"], "--sha256", spec["artifact"]["sha256"],
            "--secret-dir", store.secret_folder, "--work-dir", folder, "--termination-log", self.log,
        ]  # fmt: skip
        for name in ("examples", "baseline"):
            if name in spec:
                arguments += [f"--{name}", spec[name]["uri"], f"--{name}-sha256", spec[name]["sha256"]]
                arguments += [f"--{name}-secret-dir", store.secret_folder]
        self.process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
        self.address = self._await("listening")["main"]
        self._await("ready")
        threading.Thread(target=lambda: list(self.process.stderr), daemon=True).start()

    def _await(self, message: str) -> dict[str, Any]:
        for line in self.process.stderr:
            entry = json.loads(line) if line.startswith("{") else {}
            if entry.get("message") == message:
                return entry
        raise AssertionError(f"the server ended: {self.log.read_text() if self.log.exists() else 'without a reason'}")

    def predict(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        import urllib3

        answer = urllib3.request("POST", f"http://{self.address}/predict", json={"records": records}, timeout=60)
        assert answer.status == 200, answer.data
        return answer.json()["predictions"]


@pytest.fixture
def serve(store: Store, tmp_path: Path) -> Iterator[Any]:
    running: list[Pod] = []

    def start(spec: dict[str, Any]) -> Pod:
        running.append(Pod(spec, store, tmp_path / f"pod-{len(running)}"))
        return running[-1]

    yield start
    for pod in running:
        pod.process.kill()
        pod.process.wait()
