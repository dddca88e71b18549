from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from shipway.config.schemas import schemas, write_schemas

ROOT = Path(__file__).parents[4]
WRITTEN = sorted(ROOT.glob("examples/**/pipeline.yaml")) + sorted(
    ROOT.glob("examples/**/rollout.yaml")
)
HOLD = {"image": "a@sha256:0", "revision": "f", "reason": "it fails", "by": "Ada", "at": "now"}
PIPELINE = {"app": "shop", "tests": {"layers": {"unit": {"command": ["pytest"], "weight": 1}}}}
ROLLOUT = {
    "strategy": "rolling",
    "namespace": "shop",
    "images": [{"file": "web.yaml", "container": "web"}],
}


def problems(name: str, document: Any) -> list[str]:
    found = Draft202012Validator(schemas()[name]).iter_errors(document)
    return [".".join(map(str, error.absolute_path)) or error.message for error in found]


@pytest.mark.parametrize("name", [*schemas()])
def test_the_schemas_that_are_kept_are_those_of_the_code(name: str, tmp_path: Path) -> None:
    write_schemas(tmp_path)
    kept, made = (folder / f"{name}.json" for folder in (ROOT / "schemas", tmp_path))
    assert kept.read_text("utf-8") == made.read_text("utf-8"), "run `make schemas`"
    Draft202012Validator.check_schema(json.loads(kept.read_text("utf-8")))


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_files_of_the_examples_fit(file: Path) -> None:
    assert problems(file.stem, yaml.safe_load(file.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("name", "document", "expected"),
    [
        ("pipeline", PIPELINE, []),
        ("pipeline", PIPELINE | {"app": "Shop"}, ["app"]),
        ("pipeline", PIPELINE | {"test": 1}, ["Additional properties are not allowed"]),
        ("pipeline", {"app": "shop"}, ["'tests' is a required property"]),
        ("rollout", ROLLOUT, []),
        ("rollout", ROLLOUT | {"strategy": "big-bang"}, ["strategy"]),
        ("rollout", ROLLOUT | {"order": "newest"}, ["order"]),
        ("rollout", ROLLOUT | {"images": []}, ["images"]),
        ("rollout", ROLLOUT | {"startup": {"seconds": -1}}, ["startup"]),
        ("holds", {"holds": [HOLD]}, []),
        ("holds", {"holds": [HOLD | {"until": "monday"}]}, ["holds.0"]),
    ],
)
def test_a_mistake_is_seen_where_it_is(name: str, document: Any, expected: list[str]) -> None:
    found = problems(name, document)
    assert len(found) == len(expected)
    assert all(map(str.startswith, found, expected))


@pytest.mark.parametrize(
    ("key", "value", "is_known"),
    [
        ("tool", "pytest", True),
        ("tool", "nose", False),
        ("runner", "container", True),
        ("runner", "moon", False),
    ],
)
def test_names_of_registries_are_offered(key: str, value: str, is_known: bool) -> None:
    layer = {"command": ["pytest"], key: value}
    document = PIPELINE | {"tests": {"layers": {"unit": layer}}}
    assert (problems("pipeline", document) == []) == is_known
