"""A model, and calls with real inputs."""

from dataclasses import dataclass


@dataclass
class Case:
    """A model and what it is called with."""

    name: str
    model: bytes
    # Takes the session of the reference, and returns dictionaries of arrays by the names of the inputs.
    calls: object


def same_calls(*calls):
    """Calls that do not depend on answers."""
    return lambda _: list(calls)


def rows_of(name, rows):
    """A call with all rows, and one with the first row only."""
    return same_calls({name: rows}, {name: rows[:1]})
