from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.config import Rollout
from flows.strategies import STRATEGIES, Rolling, SetImage, Step

OLD, NEW = "shop@sha256:old", "shop@sha256:new"


def field(container: str, image: str = OLD, file: str = "web.yaml") -> SetImage:
    return SetImage(file=file, name=container, image=image)


def test_rolling_sets_every_image_in_one_step() -> None:
    assert Rolling().plan([field("web"), field("job", file="job.yaml")], NEW) == [
        Step(
            name="1/1 rolling",
            edits=(field("web", NEW), field("job", NEW, "job.yaml")),
            wait_for=NEW,
        )
    ]


def test_rolling_edits_only_what_differs_and_waits_for_all() -> None:
    (step,) = Rolling().plan([field("web", NEW), field("job")], NEW)
    assert step.edits == (field("job", NEW),)
    assert step.wait_for == NEW


def test_a_release_that_git_already_holds_is_waited_for_without_edits() -> None:
    (step,) = Rolling().plan([field("web", NEW)], NEW)
    assert (step.edits, step.wait_for) == ((), NEW)


fields = st.lists(
    st.builds(
        SetImage,
        file=st.sampled_from(["a.yaml", "b.yaml"]),
        name=st.text("abc", min_size=1, max_size=2),
        image=st.sampled_from([OLD, NEW, "other"]),
    ),
    min_size=1,
)


@given(live=fields, name=st.sampled_from(sorted(STRATEGIES)))
def test_once_its_edits_are_made_a_plan_has_none_left(live: list[SetImage], name: str) -> None:
    made = live
    for step in STRATEGIES[name].plan(live, NEW):
        edits = {(edit.file, edit.name): edit for edit in step.edits}
        made = [edits.get((one.file, one.name), one) for one in made]
    assert {one.image for one in made} == {NEW}
    assert [step.edits for step in STRATEGIES[name].plan(made, NEW)] == [()]


@given(live=fields)
def test_a_plan_leaves_what_it_is_made_from_as_it_was(live: list[SetImage]) -> None:
    before = [one.model_copy() for one in live]
    Rolling().plan(live, NEW)
    assert live == before


def test_every_strategy_of_a_rollout_file_has_a_plan() -> None:
    schema = Rollout.model_json_schema()["properties"]["strategy"]
    assert set(STRATEGIES) == set(schema.get("enum", [schema.get("const")]))


def test_a_step_cannot_be_changed_once_it_is_planned() -> None:
    (step,) = Rolling().plan([field("web")], NEW)
    with pytest.raises(ValidationError, match="Instance is frozen"):
        step.name = "2/2 rolling"
