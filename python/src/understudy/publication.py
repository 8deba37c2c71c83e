"""What a call of `publish` made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy.evaluate import Evaluation
    from understudy.prove import Report


@dataclass(frozen=True)
class Publication:
    """A published ModelVersion."""

    namespace: str
    deployment: str
    version: str
    name: str
    """The name of the ModelVersion."""
    stage: str | None
    """The stage that was requested."""
    manifest: dict[str, Any]
    """The object as it was sent to the API server. After a dry run it was not sent."""
    proof: Report | None
    evaluation: Evaluation | None
    dry_run: bool = False

    @property
    def review(self) -> str:
        """The command with which a colleague reviews it."""
        return f"kubectl understudy review {self.name} -n {self.namespace}"

    def as_json(self) -> dict[str, Any]:
        """What a program needs: names, digest, proof and evaluation."""
        spec = self.manifest["spec"]
        proof, evaluation = self.proof, self.evaluation
        return {
            "namespace": self.namespace,
            "deployment": self.deployment,
            "name": self.name,
            "version": self.version,
            "requested": self.stage,
            "dryRun": self.dry_run,
            "artifact": {"uri": spec["artifact"]["uri"], "sha256": spec["artifact"]["sha256"]},
            "proof": None
            if proof is None
            else {"rows": proof.rows, "largest": proof.largest, "median": proof.median, "p99": proof.p99, "beyond": proof.beyond},
            "evaluation": None
            if evaluation is None
            else [{"name": each.name, "value": each.value, "low": each.low, "high": each.high} for each in evaluation.figures],
            "review": self.review,
        }

    def __str__(self) -> str:
        if self.dry_run:
            return f"{self.namespace}/{self.name} would be created; nothing was stored and nothing was written to the cluster"
        asked = f" and {self.stage} is requested" if self.stage else ""
        return f"{self.namespace}/{self.name} is published{asked}. A colleague reviews it with:\n  {self.review}"
