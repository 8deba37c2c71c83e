"""The ModelVersion of a publication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.cluster import GROUP, REQUESTED_BY, VERSION

if TYPE_CHECKING:
    from understudy.destination import Destination
    from understudy.prepare import Prepared
    from understudy.store import Stored

MOST_METRICS = 64


def object_name(deployment: str, version: str) -> str:
    """The name of the ModelVersion. A `+` cannot be in the name of an object."""
    return f"{deployment}-{version.replace('+', '-').lower()}"


def manifest(
    destination: Destination, version: str, stage: str, user: str, files: dict[str, Stored], prepared: Prepared
) -> dict[str, Any]:
    """The object as the API server gets it."""

    def file(name: str) -> dict[str, Any]:
        stored = files[name]
        return {"uri": stored.uri, "sha256": stored.sha256} | (
            {"secretRef": {"name": destination.secret}} if destination.secret else {}
        )

    spec: dict[str, Any] = {"deployment": destination.deployment, "version": version, "stage": stage, "artifact": file("artifact")}
    if "baseline" in files:
        spec["baseline"] = file("baseline")
    if "examples" in files:
        spec["examples"] = file("examples") | {
            "tolerance": {"absolute": prepared.tolerance.absolute, "relative": prepared.tolerance.relative}
        }
    if prepared.markdown:
        spec["documentation"] = {"markdown": prepared.markdown}
    if prepared.evaluation:
        # Six digits are more than any interval.
        metrics = [
            {"name": figure.name, "value": float(f"{figure.value:.6g}")} for figure in prepared.evaluation.figures[:MOST_METRICS]
        ]
        spec["evaluation"] = {"dataset": prepared.evaluated_on, "metrics": metrics}
    provenance = prepared.provenance
    origin = {"gitCommit": provenance.git_commit, "run": provenance.run, "dataset": provenance.dataset}
    spec["provenance"] = {key: value for key, value in origin.items() if value}
    name = object_name(destination.deployment, version)
    annotations = {REQUESTED_BY: user} if stage != "None" else {}
    metadata = {"name": name, "namespace": destination.namespace, "annotations": annotations}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "ModelVersion", "metadata": metadata, "spec": spec}
