from __future__ import annotations

import pytest
from pydantic import ValidationError

from shipway.strategies.step import (
    Edit,
    FieldRef,
    Step,
    edits_between,
    first_with_edits,
    is_released,
    with_edits,
)
from tests.support.plans import after

OLD, NEW = "shop@sha256:old", "shop@sha256:new"
WEB, JOB = FieldRef(file="web.yaml", name="web"), FieldRef(file="job.yaml", name="job")


def test_only_what_git_does_not_say_yet_is_an_edit() -> None:
    assert edits_between({WEB: OLD, JOB: NEW}, {WEB: NEW, JOB: NEW}) == (
        Edit(field=WEB, value=NEW),
    )
    assert edits_between({}, {JOB: NEW}) == (Edit(field=JOB, value=NEW),)


def test_a_step_cannot_be_changed_once_it_is_planned() -> None:
    step = Step(name="1/1 rolling")
    with pytest.raises(ValidationError, match="Instance is frozen"):
        step.name = "2/2 rolling"


def test_the_first_step_with_edits_is_where_a_rollback_begins() -> None:
    done, left = Step(name="1/2 a"), Step(name="2/2 b", edits=edits_between({}, {WEB: NEW}))
    assert first_with_edits([done, left]) == left
    assert first_with_edits([done, done]) == done


def test_each_step_has_the_edits_that_those_before_it_left_and_expects_all_of_its_values() -> None:
    steps = with_edits(
        {WEB: OLD, JOB: OLD},
        [
            (Step(name="1/3"), {WEB: NEW}),
            (Step(name="2/3"), {WEB: NEW, JOB: NEW}),
            (Step(name="3/3"), {WEB: OLD}),
        ],
    )
    assert [after({}, step) for step in steps] == [{WEB: NEW}, {JOB: NEW}, {WEB: OLD}]
    assert [edit.field for edit in steps[1].expects] == [WEB, JOB]


@pytest.mark.parametrize(
    ("image", "released"), [(OLD, True), ("shop:1@sha256:old", True), ("shop:unreleased", False)]
)
def test_an_image_by_digest_was_released(image: str, released: bool) -> None:
    assert is_released(image) is released
