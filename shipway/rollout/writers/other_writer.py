"""Somebody else who says which image runs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.image_ref import repository_of
from shipway.strategies.step import FieldRef, Value


class OtherWriter(BaseModel):
    """Somebody else who says which image runs.

    Attributes:
        who: The tool.
        where: File and line, or the object.
        words: What stands there.
        remedy: How it stops.
    """

    model_config = ConfigDict(frozen=True)

    who: str
    where: str
    words: str
    remedy: str


def names_of(field: FieldRef, value: Value) -> set[str]:
    """The names under which a renderer may know an image: its entry's, and its repository."""
    entry = {field.name} if field.kind == "kustomize" else set[str]()
    repository = repository_of(str(value))
    return entry | ({repository} if repository else set())


def without_version(image: str) -> str:
    """The name in an image whose version may be a pattern, such as `acme/shop:1.x`."""
    name = image.partition("@")[0]
    host, slash, rest = name.rpartition("/")
    return f"{host}{slash}{rest.partition(':')[0]}"
