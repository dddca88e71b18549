"""A YAML document checked against a pydantic model, with errors that name file, line and key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from shipway.documents.yaml_text import REMEDY, compose, construct
from shipway.errors import RefuseError

LARGEST_BYTES = 1_000_000
UNTOUCHED = "everything: nothing was built, pushed or committed"

Model = TypeVar("Model", bound=BaseModel)
Location = Sequence[int | str]


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know.

    Attributes:
        renamed: Keys that have another name today, with that name, for the error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    renamed: ClassVar[Mapping[str, str]] = {}


def read_document(text: str, model: type[Model], file: str) -> Model:
    """Parse `text` as one YAML document and validate it as `model`.

    Args:
        text: The YAML text.
        model: The pydantic model it must match.
        file: The name that errors show.

    Raises:
        RefuseError: The text is too large, not YAML, has a duplicate or unknown key, or a wrong
            value.
    """
    if len(text) > LARGEST_BYTES:
        raise _refuse(file, None, "The file is too large.", f"at most {LARGEST_BYTES} bytes", None)
    roots = compose(text, file, UNTOUCHED)
    if not roots:
        raise _refuse(file, None, "The file is empty.", "a mapping of keys", None)
    if len(roots) > 1:
        line = roots[1].start_mark.line + 1
        raise _refuse(file, line, "A second document begins.", "one YAML document", None)
    try:
        return model.model_validate(construct(roots[0], file, UNTOUCHED))
    except ValidationError as error:
        raise _first_problem(error, model, roots[0], file) from error


def _refuse(
    file: str, line: int | None, what: str, expected: str | None, got: str | None
) -> RefuseError:
    where = f"{file}:{line}" if line else file
    return RefuseError(
        what,
        where=where,
        expected=expected,
        got=got,
        untouched=UNTOUCHED,
        remedy=REMEDY,
    )


def _first_problem(
    error: ValidationError, model: type[BaseModel], root: Node, file: str
) -> RefuseError:
    # A misspelt key is also a missing one; the first says more.
    problem = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    location = problem["loc"]
    line = _line(root, location)
    key = ".".join(str(part) for part in location) or "the document"
    if problem["type"] == "extra_forbidden":
        holder = _model_at(model, location[:-1])
        name = str(location[-1])
        if (today := getattr(holder, "renamed", {}).get(name)) is not None:
            what = f"The key {key!r} is called {today!r} today."
            return _refuse(file, line, what, f"{today!r} in its place", f"{key!r}")
        known = sorted(getattr(holder, "model_fields", {}))
        near = difflib.get_close_matches(name, known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return _refuse(
            file, line, f"Unknown key {key!r}{hint}.", f"one of {', '.join(known)}", f"{key!r}"
        )
    if problem["type"] == "missing":
        return _refuse(file, line, f"The key {key!r} is missing.", f"a value for {key!r}", None)
    return _refuse(
        file,
        line,
        f"The value of {key!r} is not valid.",
        problem["msg"].removeprefix("Value error, "),
        repr(problem["input"]),
    )


def _line(node: Node, location: Location) -> int:
    """The line of the deepest part of `location` that the document has, counted from 1."""
    line = node.start_mark.line + 1
    for part in location:
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if isinstance(key, ScalarNode) and key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _model_at(model: type[BaseModel], location: Location) -> Any:
    """The model of the object at `location`, found by following field annotations."""
    current: Any = model
    for part in location:
        fields = getattr(current, "model_fields", None)
        if fields is not None and part in fields:
            current = _model_in(fields[part].annotation)
    return current


def _model_in(annotation: Any) -> Any:
    """The model inside `X`, `X | None`, `list[X]` or `dict[str, X]`."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (model := _model_in(argument)) is not None:
            return model
    return None
