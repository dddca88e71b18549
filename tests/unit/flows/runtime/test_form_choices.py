from __future__ import annotations

from typing import Any

import pytest
from jsonschema import ValidationError, validate

from flows.runtime.form_choices import with_choices

SCHEMA: dict[str, Any] = {
    "title": "Parameters",
    "type": "object",
    "required": ["app"],
    "properties": {
        "app": {"title": "app", "type": "string", "description": "App.", "position": 0},
        "environment": {
            "title": "environment",
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "default": None,
        },
        "days": {"title": "days", "type": "integer"},
    },
}
CHOICES = {"app": ["cart", "shop"], "environment": ["staging"]}


def test_what_is_registered_is_offered_and_another_name_may_be_given() -> None:
    renewed = with_choices(SCHEMA, CHOICES)
    app, environment = (renewed["properties"][name] for name in ("app", "environment"))
    assert (app["title"], app["description"], app["position"]) == ("app", "App.", 0)
    assert app["anyOf"][0]["enum"] == ["cart", "shop"]
    assert environment["anyOf"][0]["enum"] == ["staging"]
    for given in ({"app": "shop", "environment": None}, {"app": "new", "environment": "staging"}):
        validate(given, renewed)
    for given in ({"app": None}, {"app": 1}, {}, {"app": "shop", "days": "1"}):
        with pytest.raises(ValidationError):
            validate(given, renewed)


def test_choices_take_the_place_of_those_before_them() -> None:
    once = with_choices(SCHEMA, CHOICES)
    assert with_choices(once, CHOICES) == once
    less = with_choices(once, {"app": ["cart"], "environment": ["staging"]})
    assert less["properties"]["app"]["anyOf"][0]["enum"] == ["cart"]
    assert with_choices(SCHEMA, {"app": []})["properties"] == SCHEMA["properties"]
