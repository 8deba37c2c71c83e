"""The one error of this converter."""


class Unsupported(ValueError):  # noqa: N818 (a word of the package's interface)
    """A document, or an element of it, that cannot be converted with certainty. The message names the element and its place."""
