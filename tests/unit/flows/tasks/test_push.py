from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.tasks.push import _same_image
from shipway.code import Code
from shipway.config.pipeline import read_pipeline
from shipway.errors import RefuseError
from shipway.git.revision import Revision
from shipway.image_labels import INPUTS, REVISION, labels_of
from shipway.image_ref import ImageRef
from shipway.registry import Stored

AT = datetime(2026, 11, 24, tzinfo=UTC)

CODE = Code(
    app="shop",
    revision=Revision(commit="c1", tree="t1", author="Ada", subject="change", at=AT),
    pipeline=read_pipeline("app: shop\ntests: {layers: {unit: {command: [pytest]}}}\n"),
    folder=Path("code"),
)
IMAGE = ImageRef.parse("registry.example.org/shop:c1@sha256:" + "0" * 64)


@pytest.mark.parametrize("more", [{}, {REVISION: "another commit of the same tree"}, {"x": "y"}])
def test_an_image_of_the_same_inputs_is_the_same_image(more: dict[str, str]) -> None:
    assert _same_image(Stored(ref=IMAGE, labels=labels_of(CODE) | more), CODE) == IMAGE


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
        _same_image(Stored(ref=IMAGE, labels=labels), CODE)
    assert str(caught.value) == (
        "The tag of this revision is taken by another image; a tag never moves.\n"
        f"  where:     {IMAGE}\n"
        f"  expected:  {REVISION}=c1, {INPUTS}={labels_of(CODE)[INPUTS]}\n"
        f"  got:       {got}\n"
        "  untouched: the registry, the ops repository and the cluster\n"
        "  remedy:    find out who pushed it; delete the tag if it is wrong, then release again"
    )
