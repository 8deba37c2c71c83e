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

    def __str__(self) -> str:
        if self.dry_run:
            return f"{self.namespace}/{self.name} would be created; nothing was stored and nothing was written to the cluster"
        asked = f" and {self.stage} is requested" if self.stage else ""
        return f"{self.namespace}/{self.name} is published{asked}. A colleague reviews it with:\n  {self.review}"
