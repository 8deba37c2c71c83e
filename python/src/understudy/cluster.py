"""The API server, with the caller's own identity: what kubectl could do, and nothing else."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from understudy.errors import ClusterFailed

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

GROUP, VERSION = "understudy.dev", "v1alpha1"
REQUESTED_BY = "understudy.dev/requested-by"
TIMEOUT = (10, 60)
"""Seconds until a connection, and until an answer."""
DEMANDED = re.compile(
    r" denied request: a change of spec\.stage must carry the annotation understudy\.dev/requested-by: (?P<name>.+)"
)
"""How the approval policy names the person behind a user name, as in cli/src/identity.rs."""

Result = TypeVar("Result")


class Refused(ClusterFailed):
    """The API server answered with an error."""

    def __init__(self, what: str, status: int, message: str) -> None:
        super().__init__(f"failed to {what}: {message}")
        self.status = status
        self.message = message


class Cluster:
    """A cluster, as a kubeconfig describes it."""

    def __init__(self, context: str | None = None, kubeconfig: str | None = None, impersonate: str | None = None) -> None:
        from kubernetes import client, config

        try:
            self._api: ApiClient = config.new_client_from_config(config_file=kubeconfig, context=context)
        except config.ConfigException as error:
            if context or kubeconfig:
                raise ClusterFailed(f"failed to read the kubeconfig: {error}") from error
            try:
                config.load_incluster_config()
            except config.ConfigException:
                raise ClusterFailed(f"no cluster: {error}; set KUBECONFIG, or pass the context") from error
            self._api = client.ApiClient()
        except OSError as error:
            raise ClusterFailed(f"failed to read the kubeconfig: {error}") from error
        if impersonate:
            self._api.set_default_header("Impersonate-User", impersonate)
        self._custom = client.CustomObjectsApi(self._api)
        self._core = client.CoreV1Api(self._api)

    def user(self) -> str:
        """The name of the caller, as the API server authenticates them."""
        from kubernetes import client

        reviews = client.AuthenticationV1Api(self._api)
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        found = self._call("ask who you are", lambda: reviews.create_self_subject_review(body, _request_timeout=TIMEOUT))
        return str(found.status.user_info.username)

    def deployment(self, namespace: str, name: str) -> dict[str, Any] | None:
        """The ModelDeployment, or `None` if there is none."""
        return self._found(f"read ModelDeployment {namespace}/{name}", lambda: self._get(namespace, "modeldeployments", name))

    def version(self, namespace: str, name: str) -> dict[str, Any] | None:
        """The ModelVersion, or `None` if there is none."""
        return self._found(f"read ModelVersion {namespace}/{name}", lambda: self._get(namespace, "modelversions", name))

    def versions(self, namespace: str, deployment: str) -> list[dict[str, Any]]:
        """The ModelVersions of a ModelDeployment."""
        found: list[dict[str, Any]] = []
        more: str | None = None
        while True:
            page = self._call(f"list the ModelVersions of {namespace}", partial(self._page, namespace, more))
            found += [each for each in page["items"] if each["spec"]["deployment"] == deployment]
            more = page["metadata"].get("continue")
            if not more:
                return found

    def _page(self, namespace: str, more: str | None) -> dict[str, Any]:
        arguments: dict[str, Any] = {"limit": 200, "_request_timeout": TIMEOUT} | ({"_continue": more} if more else {})
        page: dict[str, Any] = self._custom.list_namespaced_custom_object(GROUP, VERSION, namespace, "modelversions", **arguments)
        return page

    def namespace_annotations(self, namespace: str) -> dict[str, str]:
        """The annotations of a namespace. Empty if the caller may not read it."""
        try:
            found = self._call(
                f"read namespace {namespace}", lambda: self._core.read_namespace(namespace, _request_timeout=TIMEOUT)
            )
        except Refused as error:
            if error.status in (403, 404):
                return {}
            raise
        return dict(found.metadata.annotations or {})

    def secret(self, namespace: str, name: str) -> dict[str, str] | None:
        """The texts of a Secret. `None` if the caller may not read it."""
        try:
            found = self._call(
                f"read Secret {namespace}/{name}",
                lambda: self._core.read_namespaced_secret(name, namespace, _request_timeout=TIMEOUT),
            )
        except Refused as error:
            if error.status == 403:
                return None
            raise
        return {key: base64.b64decode(value).decode() for key, value in (found.data or {}).items()}

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Creates a ModelVersion. It never changes one: a name that is taken is refused."""
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        return self._as_the_policy_names_me(
            manifest["metadata"].get("annotations", {}),
            lambda annotations: self._call(
                f"create ModelVersion {namespace}/{name}",
                lambda: self._custom.create_namespaced_custom_object(
                    GROUP,
                    VERSION,
                    namespace,
                    "modelversions",
                    manifest | {"metadata": manifest["metadata"] | {"annotations": annotations}},
                    field_manager="understudy-python",
                    _request_timeout=TIMEOUT,
                ),
            ),
        )

    def request(self, namespace: str, name: str, stage: str, user: str, resource_version: str) -> dict[str, Any]:
        """Requests a stage for a ModelVersion that was read with this resource version."""
        return self._as_the_policy_names_me(
            {REQUESTED_BY: user},
            lambda annotations: self._call(
                f"request {stage} for ModelVersion {namespace}/{name}",
                lambda: self._custom.patch_namespaced_custom_object(
                    GROUP,
                    VERSION,
                    namespace,
                    "modelversions",
                    name,
                    {"metadata": {"annotations": annotations, "resourceVersion": resource_version}, "spec": {"stage": stage}},
                    _content_type="application/merge-patch+json",
                    field_manager="understudy-python",
                    _request_timeout=TIMEOUT,
                ),
            ),
        )

    def _as_the_policy_names_me(
        self, annotations: Mapping[str, str], write: Callable[[dict[str, str]], dict[str, Any]]
    ) -> dict[str, Any]:
        """Writes once more if the approval policy demands another name than the user name."""
        try:
            return write(dict(annotations))
        except Refused as error:
            demanded = DEMANDED.search(error.message)
            if demanded is None or REQUESTED_BY not in annotations:
                raise
            return write({**annotations, REQUESTED_BY: demanded["name"].strip()})

    def _get(self, namespace: str, plural: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._custom.get_namespaced_custom_object(
            GROUP, VERSION, namespace, plural, name, _request_timeout=TIMEOUT
        )
        return found

    def _found(self, what: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        try:
            return self._call(what, call)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def _call(self, what: str, call: Callable[[], Result]) -> Result:
        import urllib3
        from kubernetes.client import ApiException

        try:
            return call()
        except ApiException as error:
            raise Refused(what, int(error.status or 0), _message(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise ClusterFailed(
                f"failed to {what}: the API server does not answer ({error}); the same call goes on once it does"
            ) from error


def _message(error: Any) -> str:
    """What the API server says, for people."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"
