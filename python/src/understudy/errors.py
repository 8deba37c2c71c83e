"""What goes wrong, in words for the person who called: what failed, on what, why, and what to do."""


class UnderstudyError(Exception):
    """Something that the caller can mend. The text says what failed and what to do."""

    exit_code = 1
    """What the command `understudy` returns."""


class NotConvertible(UnderstudyError):  # noqa: N818
    """The model has no ONNX form that this package can make."""


class NotProven(UnderstudyError):  # noqa: N818
    """The converted model does not answer like the original."""

    exit_code = 3


class StoreFailed(UnderstudyError):  # noqa: N818
    """A file could not be stored."""

    exit_code = 4


class ClusterFailed(UnderstudyError):  # noqa: N818
    """The API server refused a request, or did not answer."""

    exit_code = 5
