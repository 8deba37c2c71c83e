"""Where a model goes: the ModelDeployment, its store, and the version that is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from understudy import versions
from understudy.errors import UnderstudyError
from understudy.store import Store

if TYPE_CHECKING:
    from understudy.cluster import Cluster

STORE = "understudy.dev/store"
"""Annotation of a ModelDeployment or a namespace: where models are stored, such as `s3://models/risk`."""
STORE_SECRET = "understudy.dev/store-secret"  # noqa: S105
"""Annotation beside it: the Secret with the credentials for the store, in the namespace of the models."""


@dataclass(frozen=True)
class Destination:
    """A ModelDeployment, and what is there already."""

    namespace: str
    deployment: str
    versions: tuple[dict[str, Any], ...]
    """Its ModelVersions."""
    store: Store
    secret: str | None
    """The Secret that pods read the store with."""


def split(to: str) -> tuple[str, str]:
    """The namespace and the name in `namespace/name`."""
    namespace, slash, name = to.partition("/")
    if not slash or not namespace or not name or "/" in name:
        raise UnderstudyError(f"{to!r} does not name a ModelDeployment: write namespace/name, such as risk/fraud")
    return namespace, name


def find(cluster: Cluster, to: str, store: str | None, secret: str | None, endpoint: str | None) -> Destination:
    """Reads the ModelDeployment, its versions, and the store that it or its namespace names."""
    namespace, name = split(to)
    deployment = cluster.deployment(namespace, name)
    if deployment is None:
        raise UnderstudyError(
            f"ModelDeployment {to} does not exist: create it first, for example with kubectl apply, or correct the name after `to`"
        )
    uri, named = store, secret
    if uri is None:
        annotations = deployment["metadata"].get("annotations", {})
        if STORE not in annotations:
            annotations = cluster.namespace_annotations(namespace)
        uri, named = annotations.get(STORE), secret or annotations.get(STORE_SECRET)
    if uri is None:
        raise UnderstudyError(
            f"no store: pass `store`, or name it once for all: kubectl annotate namespace {namespace} {STORE}=s3://bucket/folder "
            f"{STORE_SECRET}=NAME-OF-THE-SECRET"
        )
    credentials = cluster.secret(namespace, named) if named else None
    return Destination(namespace, name, tuple(cluster.versions(namespace, name)), Store(uri, credentials, endpoint), named)


def next_version(existing: tuple[dict[str, Any], ...], version: str | None, bump: str) -> str:
    """The given version, or the one after the highest that exists."""
    if version is not None:
        return versions.checked(version)
    return versions.following((each["spec"]["version"] for each in existing), bump)


def numbered(existing: tuple[dict[str, Any], ...], version: str) -> dict[str, Any] | None:
    """The version with this number, if it exists."""
    return next((each for each in existing if each["spec"]["version"] == version), None)


def same(existing: tuple[dict[str, Any], ...], spec: dict[str, Any]) -> dict[str, Any] | None:
    """The version that an earlier call made of the same model with the same evidence."""
    return next((each for each in existing if is_same(each["spec"], spec)), None)


def is_same(there: dict[str, Any], spec: dict[str, Any]) -> bool:
    """Whether both are the same model with the same evidence. The stage, the number and the run may differ: a job of CI that is
    tried again is another run. What the API server adds inside a field does not count.
    """

    def content(of: dict[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in of.items() if key not in ("stage", "version")}
        origin = {key: value for key, value in rest.get("provenance", {}).items() if key != "run"}
        return rest | {"provenance": origin}

    ours, theirs = content(spec), content(there)
    return ours.keys() == theirs.keys() and all(_holds(theirs[key], value) for key, value in ours.items())


def _holds(there: Any, ours: Any) -> bool:
    """Whether a value has all of ours."""
    if isinstance(ours, dict) and isinstance(there, dict):
        return all(key in there and _holds(there[key], value) for key, value in ours.items())
    return bool(there == ours)
