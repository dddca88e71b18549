from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shipway.code import Code
from shipway.config.pipeline import read_pipeline
from shipway.errors import RefuseError
from shipway.git.revision import Revision
from shipway.image_labels import INPUTS, REVISION, image_of, labels_of
from shipway.image_ref import ImageRef
from shipway.registry import Stored

AT = datetime(2026, 11, 24, tzinfo=UTC)

TESTS = "tests: {layers: {unit: {command: [pytest]}}}\n"


def code(
    commit: str = "c1", tree: str = "t1", pipeline: str = f"app: shop\n{TESTS}", folder: str = "a"
) -> Code:
    return Code(
        app="shop",
        revision=Revision(commit=commit, tree=tree, author="Ada", subject="change", at=AT),
        pipeline=read_pipeline(pipeline),
        folder=Path(folder),
    )


def test_the_labels_are_the_app_the_revision_and_a_hash_of_the_inputs() -> None:
    image = "{}"
    assert labels_of(code()) == {
        "dev.shipway.app": "shop",
        "org.opencontainers.image.revision": "c1",
        "dev.shipway.inputs": hashlib.sha256(f"t1\n{image}".encode()).hexdigest(),
    }


@pytest.mark.parametrize(
    "other",
    [
        code(commit="c2"),
        code(folder="b"),
        code(pipeline="app: shop\ntests: {layers: {unit: {command: [other]}}}\n"),
    ],
    ids=["another commit", "another checkout", "other tests"],
)
def test_what_the_image_is_not_made_of_leaves_the_inputs_alone(other: Code) -> None:
    assert labels_of(other)[INPUTS] == labels_of(code())[INPUTS]


@pytest.mark.parametrize(
    "other",
    [
        code(tree="t2"),
        code(pipeline=f"app: shop\nimage: {{args: {{A: b}}}}\n{TESTS}"),
        code(pipeline=f"app: shop\nimage: {{target: app}}\n{TESTS}"),
    ],
    ids=["another tree", "a build argument", "another target"],
)
def test_what_the_image_is_made_of_changes_the_inputs(other: Code) -> None:
    assert labels_of(other)[INPUTS] != labels_of(code())[INPUTS]
    assert labels_of(other)[REVISION] == "c1"


IMAGE = ImageRef.parse("registry.example.org/shop:c1@sha256:" + "0" * 64)


@pytest.mark.parametrize("more", [{}, {REVISION: "another commit of the same tree"}, {"x": "y"}])
def test_an_image_of_the_same_inputs_is_the_same_image(more: dict[str, str]) -> None:
    assert image_of(Stored(ref=IMAGE, labels=labels_of(code()) | more), code()) == IMAGE.pinned()


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        ({}, "an image without Shipway's labels"),
        ({"b": "2", "a": "1"}, "a=1, b=2"),
        ({INPUTS: "other"}, f"{INPUTS}=other"),
    ],
)
def test_a_tag_that_another_image_holds_is_a_hard_stop(labels: dict[str, str], got: str) -> None:
    with pytest.raises(RefuseError) as caught:
        image_of(Stored(ref=IMAGE, labels=labels), code())
    assert str(caught.value) == (
        "The tag of this revision is taken by another image; a tag never moves.\n"
        f"  where:     {IMAGE}\n"
        f"  expected:  {REVISION}=c1, {INPUTS}={labels_of(code())[INPUTS]}\n"
        f"  got:       {got}\n"
        "  untouched: the registry, the ops repository and the cluster\n"
        "  remedy:    find out who pushed it; delete the tag if it is wrong, then release again"
    )
