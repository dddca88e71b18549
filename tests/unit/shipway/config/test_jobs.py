from __future__ import annotations

import pytest

from shipway.config.rollout import read_rollout
from shipway.errors import RefuseError

ROLLOUT = """\
strategy: rolling
namespace: shop
images:
- {file: web.yaml, container: web}
"""
CONTAINERS = "template: {spec: {containers: [{name: c}]}}"


def job(name: str, spec: str = CONTAINERS) -> str:
    return f"{{name: {name}, spec: {{{spec}}}}}"


def refusal(jobs: str) -> str:
    with pytest.raises(RefuseError) as caught:
        read_rollout(f"{ROLLOUT}jobs: {{{jobs}}}\n")
    return str(caught.value)


def test_jobs_come_in_the_order_of_the_file() -> None:
    text = f"jobs:\n  after: [{job('c')}]\n  before: [{job('b')}, {job('a')}]\n"
    jobs = read_rollout(ROLLOUT + text).jobs
    order = [(when, one.name) for when, one in jobs.in_order]
    assert order == [("before", "b"), ("before", "a"), ("after", "c")]


def test_two_jobs_of_one_name_are_refused() -> None:
    assert "jobs with different names" in refusal(f"before: [{job('a')}], after: [{job('a')}]")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (f"ttlSecondsAfterFinished: 9, {CONTAINERS}", "no ttlSecondsAfterFinished"),
        (f"suspend: true, {CONTAINERS}", "no suspend"),
        ("template: {spec: {containers: []}}", "at least one"),
        ("template: {spec: {containers: [c]}}", "a mapping each"),
        ("template: 1", "at least one"),
        ("containers: [{name: c}]", "at least one"),
        (f"activeDeadlineSeconds: 0, {CONTAINERS}", "whole seconds, at least 1"),
        (f"activeDeadlineSeconds: null, {CONTAINERS}", "whole seconds, at least 1"),
    ],
)
def test_a_spec_that_could_not_keep_its_word_is_refused(spec: str, expected: str) -> None:
    assert expected in refusal(f"before: [{job('a', spec)}]")
