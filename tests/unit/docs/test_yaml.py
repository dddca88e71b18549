"""Every YAML of README and docs is read as the file, or the part of one, that it shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from shipway.config.freeze import read_freezes
from shipway.config.pipeline import read_pipeline
from shipway.config.rollout import read_rollout, rollout_model
from shipway.errors import RefuseError
from tests.support.pages import blocks, pages
from tests.support.project import HOME

# A part of a rollout.yaml is read with what each has.
ROLLOUT = {
    "strategy": "rolling",
    "namespace": "shop",
    "images": [{"file": "deployment.yaml", "container": "shop"}],
}
SHOWN = [(page, each.text) for page in pages() for each in blocks(page) if each.language == "yaml"]


def read(text: str) -> str:
    """What a block shows.

    Raises:
        RefuseError: It is a pipeline.yaml or a part of a rollout.yaml, and not a right one.
        ValueError: It is nothing that is known, or names something that is not there.
    """
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(text))
    keys = {key for document in documents for key in document}
    if not documents and (schema := re.search(r"\$schema=\.\./shipway/(\S+)", text)):
        if not (HOME / schema[1]).exists():
            raise ValueError(f"no schema {schema[1]}")
        return "the line for editors"
    if "tests" in keys:
        read_pipeline(text)
        return "pipeline.yaml"
    if keys == {"freezes"}:
        read_freezes(text.encode(), "freeze.yaml")
        return "freeze.yaml"
    if keys and keys <= set(rollout_model().model_fields):
        read_rollout(yaml.safe_dump(ROLLOUT | documents[0]))
        return "rollout.yaml"
    if documents and all(
        {"apiVersion", "kind"} <= set(document) and {"metadata", "resources"} & set(document)
        for document in documents
    ):
        return "manifests"
    if keys == {"repos"}:
        named = {hook["id"] for repo in documents[0]["repos"] for hook in repo["hooks"]}
        hooks = yaml.safe_load((HOME / ".pre-commit-hooks.yaml").read_text("utf-8"))
        if missing := named - {hook["id"] for hook in hooks}:
            raise ValueError(f"no hook {missing}")
        return "pre-commit's configuration"
    if keys == {"syncPolicy", "ignoreDifferences"}:
        return "a part of an Application of Argo CD"
    raise ValueError(f"what is {keys}?")


@pytest.mark.parametrize(("page", "text"), SHOWN)
def test_each_block_is_what_it_shows(page: str, text: str) -> None:
    read(text)


def test_the_pages_show_both_files_of_a_team() -> None:
    shown = [read(text) for _, text in SHOWN]
    assert shown.count("pipeline.yaml") > 4
    assert shown.count("rollout.yaml") > 8


@pytest.mark.parametrize(
    "text",
    [
        "app: shop\ntests: {layers: {unit: {comand: [pytest]}}}\n",
        "gates: [{name: page, http: {service: shop}, intervall: 1}]\n",
        "promotion: {source: staging, healthy_for: 3600}\n",
        "gatse: []\n",
        "repos: [{hooks: [{id: shipway-chekc}]}]\n",
        "# yaml-language-server: $schema=../shipway/schemas/pipelines.json\n",
    ],
)
def test_a_block_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises((RefuseError, ValueError)):
        read(text)
