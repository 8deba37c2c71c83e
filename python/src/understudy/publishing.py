"""One call from a trained model to a ModelVersion that waits for a review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy import destination as destinations
from understudy.cluster import Cluster, Refused
from understudy.errors import ClusterFailed, UnderstudyError
from understudy.manifest import manifest
from understudy.prepare import Prepared, Wishes, prepare
from understudy.publication import Publication
from understudy.steps import Steps

if TYPE_CHECKING:
    from understudy.destination import Destination
    from understudy.store import Stored
    from understudy.table import Rows

SUFFIX = {"artifact": "onnx", "baseline": "baseline.json", "examples": "examples.jsonl"}
ATTEMPTS = 5
"""Numbers that are tried if somebody else publishes at the same time."""


def publish(
    model: Any,
    to: str,
    *,
    data: Rows,
    test: tuple[Rows, Any] | None,
    wishes: Wishes,
    cluster: Cluster,
    version: str | None,
    bump: str,
    request: str | None,
    store: str | None,
    store_secret: str | None,
    store_endpoint: str | None,
    dry_run: bool,
    steps: Steps,
) -> Publication:
    """Prepares the model, stores its files, creates the ModelVersion and requests a stage, in one write.

    What is stored is found again by its digest, so a call that was cut short goes on where it ended.
    """
    with steps.step("cluster") as step:
        destination = destinations.find(cluster, to, store, store_secret, store_endpoint)
        user = cluster.user()
        step.says = f"{to} as {user}, {len(destination.versions)} versions, store {destination.store.uri}"
        if destination.secret and destination.store.credentials is None:
            step.details.append(f"you may not read Secret {destination.secret}: the credentials of this environment are used")
        elif destination.secret and "AWS_ACCESS_KEY_ID" not in (destination.store.credentials or {}):
            step.details.append(
                f"Secret {destination.secret} has no AWS_ACCESS_KEY_ID: the credentials of this environment are used"
            )
    prepared = prepare(model, destination.deployment, data, test, wishes, steps)
    files = {
        name: destination.store.named(destination.deployment, SUFFIX[name], content) for name, content in prepared.files.items()
    }
    if version is not None:
        # Before anything is stored.
        known = destinations.numbered(destination.versions, destinations.next_version(destination.versions, version, bump))
        if known is not None:
            _refuse_another(destination, known, manifest(destination, version, request or "None", user, files, prepared))
    _store(prepared, destination, dry_run, steps)
    return _create(prepared, files, destination, cluster, user, version, bump, request, dry_run, steps)


def _store(prepared: Prepared, destination: Destination, dry_run: bool, steps: Steps) -> None:
    if dry_run:
        steps.skip("upload", "dry run")
        return
    with steps.step("upload") as step:
        # The artifact last: whoever finds it finds what belongs to it.
        for name, content in reversed(prepared.files.items()):
            step.says = destination.store.put(destination.deployment, SUFFIX[name], content).uri


def _create(
    prepared: Prepared,
    files: dict[str, Stored],
    destination: Destination,
    cluster: Cluster,
    user: str,
    version: str | None,
    bump: str,
    request: str | None,
    dry_run: bool,
    steps: Steps,
) -> Publication:
    existing = destination.versions
    for _ in range(ATTEMPTS):
        number = destinations.next_version(existing, version, bump)
        made = manifest(destination, number, request or "None", user, files, prepared)
        known = destinations.same(existing, made["spec"]) if version is None else destinations.numbered(existing, number)
        if known is None and dry_run:
            steps.skip("create", "dry run")
            return _publication(prepared, destination, made, request, dry_run=True)
        with steps.step("create" if known is None else "continue") as step:
            if known is not None:
                _continue(cluster, destination, known, made, request, user, dry_run)
                step.says = f"{known['metadata']['name']}, which an earlier call created"
                made["metadata"]["name"], made["spec"]["version"] = known["metadata"]["name"], known["spec"]["version"]
                return _publication(prepared, destination, made, request, dry_run)
            try:
                cluster.create(made)
            except Refused as error:
                if error.status != 409:
                    raise
                # Somebody has taken the name since, or this call's own answer was lost.
                existing = tuple(cluster.versions(destination.namespace, destination.deployment))
                step.says = f"{made['metadata']['name']} exists by now"
                continue
            step.says = made["metadata"]["name"] + (f", requests {request}" if request else "")
        return _publication(prepared, destination, made, request, dry_run=False)
    raise ClusterFailed(f"{ATTEMPTS} versions were created by others in the meantime: call again, or pass the version")


def _continue(
    cluster: Cluster,
    destination: Destination,
    known: dict[str, Any],
    made: dict[str, Any],
    request: str | None,
    user: str,
    dry_run: bool,
) -> None:
    """Goes on with a version that exists: it is the same, and perhaps its stage is not requested yet."""
    name, status = known["metadata"]["name"], known.get("status", {})
    _refuse_another(destination, known, made)
    if request is None or known["spec"]["stage"] == request or status.get("stage", "None") == request:
        return
    if status.get("stage", "None") != "None" or status.get("history"):
        raise UnderstudyError(
            f"{destination.namespace}/{name} is the same model, and is or was in review already (stage {status.get('stage', 'None')}): "
            f"request the stage with: kubectl understudy request {name} {request.lower()} -n {destination.namespace}"
        )
    if not dry_run:
        cluster.request(destination.namespace, name, request, user, known["metadata"]["resourceVersion"])


def _refuse_another(destination: Destination, known: dict[str, Any], made: dict[str, Any]) -> None:
    if not destinations.is_same(known["spec"], made["spec"]):
        raise UnderstudyError(
            f"{destination.namespace}/{known['metadata']['name']} exists and is another model, or has other evidence, and a version never "
            "changes: leave out the version, or pass a new one"
        )


def _publication(
    prepared: Prepared, destination: Destination, made: dict[str, Any], request: str | None, dry_run: bool
) -> Publication:
    spec, name = made["spec"], made["metadata"]["name"]
    where = (destination.namespace, destination.deployment, spec["version"], name)
    return Publication(*where, request, made, prepared.proof, prepared.evaluation, dry_run)
