from __future__ import annotations

from typing import Any

import pytest

from shipway.config.rendering import Rendering
from shipway.config.rollout import read_rollout
from shipway.errors import RefuseError

TEXT = """\
strategy: rolling
namespace: shop
images:
- {file: values.yaml, helm: /image}
"""
HELM, CONTAINER = "{file: values.yaml, helm: /image}", "{file: web.yaml, container: web}"
KUSTOMIZE = "{file: kustomization.yaml, kustomize: shop}"
CANARY = (
    TEXT.replace("rolling", "canary")
    + "canary: {stable: a, canary: b, router: {http_route: c}, steps: [{weight: 1}]}\n"
)


@pytest.mark.parametrize(
    ("render", "words"),
    [
        ({}, "exactly one of kustomize and helm"),
        ({"kustomize": {}, "helm": {"chart": "charts/shop"}}, "exactly one of kustomize and helm"),
        (
            {"helm": {"chart": "charts/shop", "version": "1"}},
            "a version for a chart from elsewhere",
        ),
        ({"helm": {"chart": "oci://example.org/shop"}}, "a version for a chart from elsewhere"),
        ({"helm": {"chart": "shop", "repository": "https://example.org"}}, "a version for a chart"),
        ({"helm": {"chart": "../shop"}}, "a folder's path from the root"),
        ({"kustomize": {"include": ["/etc"]}}, "a folder's path from the root"),
        ({"kustomize": {"include": ["base/../../etc"]}}, "a folder's path from the root"),
        ({"helm": {"chart": "charts/shop", "values": ["../secret.yaml"]}}, "pattern"),
    ],
)
def test_a_rendering_that_cannot_be_meant_is_refused(render: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Rendering.model_validate(render)


def test_what_is_read_beside_the_folder() -> None:
    base = {"kustomize": {"include": ["base/shop"]}}
    assert Rendering.model_validate(base).folders == ["base/shop"]
    helm = {"helm": {"chart": "charts/shop", "include": ["shared"]}}
    assert Rendering.model_validate(helm).folders == ["charts/shop", "shared"]
    remote = {"helm": {"chart": "oci://example.org/shop", "version": "1.2.3"}}
    assert Rendering.model_validate(remote).folders == []


def test_helm_renders_for_rolling_only() -> None:
    render = "render: {helm: {chart: charts/shop}}\n"
    assert read_rollout(TEXT + render).render is not None
    for given in (CANARY + render, CANARY.replace(HELM, CONTAINER) + render):
        with pytest.raises(RefuseError, match="strategy: rolling where Helm renders") as caught:
            read_rollout(given)
        assert "Kustomize, which takes the chart by `helmCharts`" in str(caught.value)


def test_what_another_strategy_sets_in_a_kustomization_is_rendered_for_a_proof() -> None:
    text = CANARY.replace(HELM, KUSTOMIZE)
    assert read_rollout(text + "render: {kustomize: {}}\n").strategy == "canary"
    with pytest.raises(RefuseError, match="render, so that what is set there can be proved"):
        read_rollout(text + "agent: external\n")
