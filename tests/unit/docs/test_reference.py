"""The tables of keys in docs/reference are those of the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from shipway.config.schemas import schemas
from tests.support.project import HOME

PAGES = {"pipeline": "pipeline-yaml.md"} | dict.fromkeys(
    ("rollout", "holds", "freeze"), "rollout-yaml.md"
)
# The one key of the file stands in the table of what it lists.
LISTS = {"holds": "holds", "freeze": "freezes"}
# Where a model is not called as the heading of its table.
TITLES = {
    "ImageEntry": "images",
    "RollingSettings": "rolling",
    "BlueGreenSettings": "blue_green",
    "CanarySettings": "canary",
    "Stage": "step",
    "Gate": "gates",
    "PrometheusGate": "prometheus",
    "HttpGate": "http",
    "JobGate": "job",
    "ReleaseJob": "job of a release",
    "ReleaseRule": "releases",
    "ExternalAgent": "external_agent",
    "ArgoCd": "argo_cd",
    "Hold": "holds.yaml",
    "Freeze": "freeze.yaml",
    "KustomizeRendering": "render",
    "HelmRendering": "render",
}
# What the column of keys is called where two tables stand below one heading.
KEYS = {"KustomizeRendering": "Key of `kustomize`", "HelmRendering": "Key of `helm`"}


def models() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """File, name and schema of each model that has a table of its own."""
    for file, schema in schemas().items():
        if file not in LISTS:
            yield file, "The file", schema
        for name, model in schema["$defs"].items():
            # That one is said in a sentence.
            if name != "Rendering":
                yield file, name, model


def rows(file: str, name: str) -> dict[str, str]:
    """Each key of a model's table, and its row."""
    page = (HOME / "docs" / "reference" / PAGES[file]).read_text("utf-8")
    title = TITLES.get(name, name if name == "The file" else name.lower())
    section = re.split(rf"^#+ {title}$", page, maxsplit=1, flags=re.MULTILINE)[1]
    table = section.partition(f"| {KEYS.get(name, 'Key')} |")[2].partition("\n\n")[0]
    found: dict[str, str] = {}
    for row in re.findall(r"^\| (`.*) \|$", table, re.MULTILINE):
        found |= dict.fromkeys(re.findall(r"`(\w+)`", row.partition(" | ")[0]), row)
    return found


@pytest.mark.parametrize(
    ("file", "name", "model"),
    [pytest.param(*each, id=f"{each[0]}.yaml: {each[1]}") for each in models()],
)
def test_a_table_has_the_keys_of_its_model_and_their_defaults(
    file: str, name: str, model: dict[str, Any]
) -> None:
    table = rows(file, name)
    assert set(table) - {LISTS.get(file)} == set(model["properties"])
    for key, of_model in model["properties"].items():
        if name == "Hold":
            continue
        default = table[key].split("|")[2].strip()
        is_required = key in model.get("required", [])
        assert is_required <= ("required" in default), f"{key} is required"
        assert is_required >= (default == "required"), f"{key} is not required"
        if of_model.get("default") and not isinstance(of_model["default"], list | dict):
            assert str(of_model["default"]) in default, f"{key} is {of_model['default']} by default"
