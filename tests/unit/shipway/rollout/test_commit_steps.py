from __future__ import annotations

from pathlib import Path

import pytest

from shipway.errors import RefuseError
from shipway.rollout.commit import commit_release
from tests.support.app_environments import SHOP
from tests.support.blue_green_environment import BlueGreenEnvironment
from tests.support.colours import deployment
from tests.support.origin import Origin
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context


@pytest.fixture
def environment(origin: Origin, tmp_path: Path) -> BlueGreenEnvironment:
    return BlueGreenEnvironment(origin, Origin(tmp_path / "app"))


def test_every_step_is_one_commit_that_says_which(environment: BlueGreenEnvironment) -> None:
    environment.release(1)
    environment.run = run_context(2)
    made = environment.release(2)
    assert [one.new for one in made] == [True, True, True]
    log = environment.origin.bare.git.log(
        "--reverse", "--format=%(trailers:key=Step,valueonly,separator=)", "--grep", "^Step: "
    )
    assert log.split("\n") == [
        "1/1 first",
        "1/3 prepare green",
        "2/3 switch to green",
        "3/3 scale down blue",
    ]
    files = [environment.origin.changed(f"{one.commit}^", one.commit) for one in made]
    assert files == [
        ["M\tprod/shop/RELEASE", "M\tprod/shop/green.yaml"],
        ["M\tprod/shop/RELEASE", "M\tprod/shop/service.yaml"],
        ["M\tprod/shop/RELEASE", "M\tprod/shop/blue.yaml"],
    ]
    expected = {"blue": str(image(1)), "green": str(image(2))}
    assert environment.says() == ("green", expected, {"blue": 0, "green": 2})
    text = environment.ops.fetch(SHOP).files["service.yaml"]
    assert b"{app: shop, example.org/colour: green}  # the switch" in text


def test_a_step_that_git_holds_already_is_no_commit_and_keeps_its_time(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    environment.run = run_context(2)
    environment.commit(2, "1/3 prepare green")
    first = environment.commit(2, "2/3 switch to green")
    environment.run = run_context(3)
    again = environment.commit(2, "2/3 switch to green")
    assert (again.commit, again.new) == (first.commit, False)
    at = environment.origin.bare.commit(first.commit).committed_datetime
    assert again.at == at


def test_what_another_run_has_done_meanwhile_is_not_done_again(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    target = environment.target()
    prepare, *_ = target.plan(image(2))
    environment.run = run_context(2)
    last = environment.release(2)[-1]
    environment.run = run_context(3)
    release, ops, source = environment.release_of(2), environment.ops, environment.source
    late = commit_release(ops, source, target, prepare, release, {}, environment.run)
    assert (late.commit, late.new) == (last.commit, False)


def test_a_step_is_refused_where_the_one_before_it_was_undone(
    environment: BlueGreenEnvironment,
) -> None:
    environment.release(1)
    environment.run = run_context(2)
    environment.commit(2, "1/3 prepare green")
    files = environment.ops.fetch(SHOP).files
    undone = {**files, "green.yaml": deployment("green", 0, str(image(1)))}
    tip = environment.origin.commit({f"prod/shop/{name}": text for name, text in undone.items()})
    with pytest.raises(RefuseError) as caught:
        environment.commit(2, "2/3 switch to green")
    assert caught.value.what == "The environment was changed during the rollout."
    assert caught.value.facts["expected"] == "what '1/3 prepare green' committed"
    assert environment.origin.tip() == tip
    assert environment.says()[0] == "blue"
