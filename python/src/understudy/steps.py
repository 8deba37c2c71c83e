"""The steps of a call, shown with their times while they run."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

WIDTH = 9


@dataclass
class Step:
    """One step. The block that runs it says what came out."""

    name: str
    says: str = ""
    details: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Steps:
    """The steps so far. With a stream, each is shown when it ends, and on a terminal also while it runs."""

    stream: IO[str] | None = None
    done: list[Step] = field(default_factory=list)

    @classmethod
    def shown(cls, quiet: bool = False) -> Steps:
        """Steps that are shown on stderr, so that stdout has results only."""
        return cls(None if quiet else sys.stderr)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Runs the block as a step."""
        step = Step(name)
        terminal = self.stream is not None and self.stream.isatty()
        if terminal and self.stream:
            print(f"  {name:<{WIDTH}} ...", end="\r", file=self.stream, flush=True)
        start = time.perf_counter()
        try:
            yield step
        except BaseException:
            step.says = "failed"
            raise
        finally:
            step.seconds = time.perf_counter() - start
            self.done.append(step)
            if self.stream:
                print(f"  {name:<{WIDTH}} {step.seconds:6.1f} s  {step.says}", file=self.stream)
                for detail in step.details:
                    print(f"  {'':<{WIDTH}}           {detail}", file=self.stream)
                self.stream.flush()

    def skip(self, name: str, why: str) -> None:
        """Shows a step that does not run."""
        self.done.append(Step(name, why))
        if self.stream:
            print(f"  {name:<{WIDTH}}      -    {why}", file=self.stream, flush=True)
