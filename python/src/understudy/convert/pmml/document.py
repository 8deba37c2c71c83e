"""Reads the XML of a PMML document into elements. The file is hostile: nothing in it may expand, load or nest without bound."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from xml.parsers import expat

from .refusal import MalformedPmmlError, malformed

MAX_BYTES = 256 * 1024 * 1024
"""The largest document. A forest of 500 trees with 1,024 leaves each takes 105 MiB."""

MAX_DEPTH = 200
"""How deep elements nest at most. The readers of this package recurse, and Python stops at about 1,000 calls."""

MAX_ELEMENTS = 4_000_000
"""How many elements a document has at most: each takes about a kilobyte of memory until the graph is finished."""

MAX_ATTRIBUTES = 64
"""How many attributes an element has at most. PMML's largest has about 20."""

_NAMESPACE = re.compile(r"https?://(www\.)?dmg\.org/PMML-")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Element:
    """An XML element without its namespace: tag, attributes, children, text, and the element around it."""

    __slots__ = ("attributes", "children", "parent", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element] = []
        self.parent = parent
        self.text = ""

    @property
    def place(self) -> str:
        """The path from the root, with the position among siblings of the same tag, and a name or id if there is one."""
        own = self.tag
        if self.parent is not None:
            same = [child for child in self.parent.children if child.tag == self.tag]
            if len(same) > 1:
                own += f"[{next(i for i, child in enumerate(same, 1) if child is self)}]"
        for key in ("name", "id", "function", "field"):
            if key in self.attributes and self.tag not in ("Extension",):
                own += f"({key}={self.attributes[key][:80]!r})"
                break
        return own if self.parent is None else f"{self.parent.place}/{own}"

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the text of an attribute."""
        return self.attributes.get(name, default)

    def need(self, name: str) -> str:
        """Return the text of an attribute that must be there."""
        if name not in self.attributes:
            raise malformed(self, f"the attribute {name!r} is missing")
        return self.attributes[name]

    def number(self, name: str, default: float | None = None) -> float:
        """Return the number in an attribute; `default` if there is none."""
        text = self.attributes.get(name)
        if text is None:
            if default is None:
                raise malformed(self, f"the attribute {name!r} is missing")
            return default
        return parse_number(self, text)

    def optional_number(self, name: str) -> float | None:
        """Return the number in an attribute, or None."""
        return self.number(name) if name in self.attributes else None

    def first(self, *tags: str) -> Element | None:
        """Return the first child with one of the tags."""
        return next((child for child in self.children if child.tag in tags), None)

    def the(self, tag: str) -> Element:
        """Return the first child with this tag, which must be there."""
        found = self.first(tag)
        if found is None:
            raise malformed(self, f"the element {tag} is missing")
        return found

    def all(self, *tags: str) -> Iterator[Element]:
        """Return the children with one of the tags, in their order."""
        return (child for child in self.children if child.tag in tags)

    def walk(self) -> Iterator[Element]:
        """Return this element and everything below it, in the order of the document."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


def parse_number(element: Element, text: str) -> float:
    """Return a number of XML Schema: decimal or with an exponent, INF, -INF. NaN is not a number."""
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        return float(stripped)
    if stripped in ("INF", "+INF", "-INF"):
        return math.copysign(math.inf, -1 if stripped.startswith("-") else 1)
    raise malformed(element, f"{text[:80]!r} is not a number")


def read(document: bytes) -> Element:
    """Return the root element `PMML` of a document.

    Raises `MalformedPmmlError` if the file is not XML or not PMML 3.x or 4.x, has a document type declaration (and thus could have
    entities), or passes a bound. expat of the standard library is enough: without a declaration there is nothing to expand and
    nothing to load, so no further package is needed.
    """
    if len(document) > MAX_BYTES:
        raise MalformedPmmlError(f"the PMML document has {len(document)} bytes; at most {MAX_BYTES} are read")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise MalformedPmmlError(f"the file is not well-formed XML: {error}; export the document again") from error
    except (LookupError, ValueError) as error:
        if isinstance(error, MalformedPmmlError):
            raise
        raise MalformedPmmlError(f"the file is not readable XML: {error}; export the document again") from error
    root = reader.root
    if root is None or root.tag != "PMML":
        raise MalformedPmmlError("the file is not a PMML document: its root element is not PMML")
    version = root.get("version", "") or ""
    if not re.fullmatch(r"[34](\.\d+){0,2}", version):
        raise MalformedPmmlError(f"the document has PMML version {version[:20]!r}; 3.x and 4.x are read")
    return root


class _Reader:
    """Builds elements from the events of expat, within the bounds."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0

    def doctype(self, name: str, system: str | None, public: str | None, subset: bool) -> None:
        raise MalformedPmmlError(
            "the document has a DOCTYPE declaration; remove it: PMML needs none, and its entities are not read"
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise MalformedPmmlError(f"the document has more than {MAX_ELEMENTS} elements")
        if len(self._open) >= MAX_DEPTH:
            raise MalformedPmmlError(f"the document nests elements deeper than {MAX_DEPTH}")
        if len(attributes) > MAX_ATTRIBUTES:
            raise MalformedPmmlError(f"an element has more than {MAX_ATTRIBUTES} attributes")
        namespace, _, name = tag.rpartition(" ")
        parent = self._open[-1] if self._open else None
        foreign = namespace and not _NAMESPACE.match(namespace)
        if foreign and not any(element.tag in ("row", "Extension", "InlineTable") for element in self._open):
            name = f"{{{namespace}}}{name}"
        local = {
            key.rpartition(" ")[2] if " " not in key else "{" + key.replace(" ", "}"): text for key, text in attributes.items()
        }
        element = Element(name, local, parent)
        if parent is None:
            self.root = element
        elif name != "Extension":
            parent.children.append(element)
        self._open.append(element)
        self._texts.append([])

    def end(self, tag: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def characters(self, text: str) -> None:
        # The white space before a text and between elements is not kept.
        if self._texts and (text := text if self._texts[-1] else text.lstrip()):
            self._texts[-1].append(text)
