"""The one error of this converter."""


class Unsupported(ValueError):
    """A document, or an element of it, that cannot be converted with certainty. The message names the element and its place."""
