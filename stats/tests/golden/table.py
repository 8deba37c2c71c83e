"""The table of all comparisons, and what failed."""

import math
from dataclasses import dataclass, field


@dataclass
class Table:
    """One line for each value that a peer computes as well. Ours may differ from it by `least` to `most`."""

    compared: int = 0
    checked: int = 0
    failures: list[str] = field(default_factory=list)

    def head(self) -> None:
        names = ("data", "measure", "ours", "peer", "peer's", "difference", "allowed")
        print("{:15} {:27} {:>15}  {:38} {:>15} {:>11}  {:>21}".format(*names))

    def exact(self, data: str, measure: str, ours: float | None, peer: str, theirs: float, within: float = 1e-9) -> None:
        """The same definition: the values differ by rounding alone, by this part of the value."""
        slack = within * abs(theirs)
        self.near(data, measure, ours, peer, theirs, -slack, slack)

    def same(self, what: str, ours, expected) -> None:
        """Counts that must be equal. Only a difference has a line."""
        self.checked += 1
        if ours != expected:
            self.failures.append(f"{what}: {str(ours)[:200]}, expected {str(expected)[:200]}")

    def near(self, data: str, measure: str, ours: float | None, peer: str, theirs: float, least: float, most: float) -> None:
        theirs = float(theirs)
        line = f"{data:15} {measure:27} "
        if ours is None:
            self.failures.append(f"{data} {measure}: absent, {peer} has {theirs:.9g}")
            return
        self.compared += 1
        difference = ours - theirs
        line += f"{ours:15.9g}  {peer:38} {theirs:15.9g} {difference:11.2e}  {least:10.1e}{most:11.1e}"
        print(line)
        if not least <= difference <= most or math.isnan(difference):
            allowed = f"allowed from {least:.1e} to {most:.1e}"
            self.failures.append(f"{data} {measure}: {ours:.9g}, {peer} has {theirs:.9g}, {allowed}")
