"""Counts what was compared, and what failed."""

import collections
import sys
import threading


class Report:
    """The counts of a run, and a line for each failure."""

    def __init__(self):
        self.counts = collections.Counter()
        self.failures = []
        self.turn = threading.Lock()

    def count(self, what, number=1):
        """Adds to a count."""
        with self.turn:
            self.counts[what] += number

    def failed(self, model, what):
        """Adds a failure, and prints it at once."""
        line = f"{model}: {what}"
        self.failures.append(line)
        print(f"FAILED  {line}", flush=True)

    def end(self, expected):
        """Prints the counts, and exits with 1 after a failure or if a count is not the expected one."""
        for what, count in sorted(self.counts.items()):
            print(f"{count:6} {what}")
        for what in sorted(expected.keys() | self.counts.keys()):
            if self.counts[what] != expected.get(what, 0):
                self.failed("counts", f"{self.counts[what]} {what}, expected {expected.get(what, 0)}")
        if self.failures:
            sys.exit(f"error: {len(self.failures)} failures")
