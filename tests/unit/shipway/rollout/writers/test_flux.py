"""The markers of Flux's image automation, and the images of a Kustomization."""

from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.rollout.target import target_of
from shipway.rollout.writers import check_only_source, check_only_writer
from tests.cases.edits import folder
from tests.support.agents import kustomization, refs_of
from tests.support.written_images import OVERLAY, PLAIN, VALUES, deployment

POLICY = '# {"$imagepolicy": "flux-system:shop'


def said(rollout: str, text: str, name: str = "all.yaml") -> RefuseError:
    files = folder(rollout, text, name)
    with pytest.raises(RefuseError) as refused:
        check_only_writer(files, target_of(files))
    return refused.value


@pytest.mark.parametrize(
    "image",
    [
        f'acme/shop:1.2 {POLICY}"}}',
        f'"acme/shop:1.2"   {POLICY}"}}',
        f'acme/shop@sha256:{"1" * 64} {POLICY}"}}',
        f'>- {POLICY}"}}\n            acme/shop:1.2',
    ],
)
def test_a_marker_behind_the_image_is_refused(image: str) -> None:
    refused = said(PLAIN, deployment(image))
    assert str(refused.facts["where"]).startswith("prod/shop/all.yaml:")
    assert refused.facts["got"] == f'{POLICY}"}}'


@pytest.mark.parametrize("part", ["name", "tag", "digest"])
def test_a_marker_behind_a_part_is_refused(part: str) -> None:
    lines = {"name": "newName: acme/shop", "tag": 'newTag: "1.2"', "digest": "digest: sha256:12"}
    text = "".join(
        f'  {line} {POLICY}:{part}"}}\n' if key == part else f"  {line}\n"
        for key, line in lines.items()
    )
    refused = said(OVERLAY, f"images:\n- name: acme/shop\n{text}", "kustomization.yaml")
    assert refused.facts["got"] == f'{POLICY}:{part}"}}'


def test_a_marker_in_helm_values_is_refused() -> None:
    text = f'shop:\n  image:\n    repository: acme/shop\n    tag: "1.2" {POLICY}:tag"}}\n'
    assert said(VALUES, text, "values.yaml").facts["where"] == "prod/shop/values.yaml:4"


@pytest.mark.parametrize(
    "text",
    [
        deployment("acme/shop:1.2 # set by Shipway"),
        deployment("acme/shop:1.2"),
        # The other container's image is Flux's to write.
        deployment("acme/shop:1.2", f'proxy:2 {POLICY}"}}'),
    ],
)
def test_other_comments_and_other_images_are_left_to_their_writers(text: str) -> None:
    files = folder(PLAIN, text)
    check_only_writer(files, target_of(files))


@pytest.mark.parametrize(("name", "is_refused"), [("acme/shop", True), ("acme/proxy", False)])
def test_images_of_a_kustomization_go_over_those_in_git(name: str, *, is_refused: bool) -> None:
    target = target_of(folder(PLAIN, deployment("acme/shop:1.2")))
    bodies = refs_of(kustomization(images=[{"name": name, "newTag": "1.1"}]))
    if not is_refused:
        return check_only_source(bodies, target)
    with pytest.raises(RefuseError, match=r"spec\.images: acme/shop"):
        check_only_source(bodies, target)
    return None
