from __future__ import annotations

from pathlib import Path

import pytest

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.tasks.rollback.commit import go_back
from flows.tasks.rollout.commit import release as commit_release
from shipway.errors import RefuseError
from shipway.release import Cause
from shipway.rollback.target import bad_image, begun_target, rollback_target
from shipway.rollout.committed import Committed
from shipway.rollout.target import Target, target_of
from tests.support.colours import deployment, folder
from tests.support.origin import Origin
from tests.unit.flows.tasks.rollout.test_commit import image, runs


class Environment:
    """A blue/green environment in a real Git repository, and two revisions of its app."""

    def __init__(self, ops: Origin, app: Origin) -> None:
        self.origin = ops
        ops.commit({f"prod/shop/{name}": content for name, content in folder().items()})
        self.ops = OpsRepository(url=ops.url)
        self.source = SourceRepository(url=app.url)
        commits = [app.commit({"app.py": text}) for text in (b"1", b"2", b"3")]
        self.revisions = [self.source.resolve(commit) for commit in commits]

    def target(self) -> Target:
        return target_of(self.ops.fetch("prod", "shop"), "shop", "prod")

    def commit(self, number: int, name: str) -> Committed:
        """Commit one step of a release."""
        target = self.target()
        step = next(one for one in target.plan(image(number)) if one.name == name)
        revision = self.revisions[number - 1]
        return commit_release(
            self.ops, self.source, target, step, revision, image(number), Cause(), {}
        )

    def release(self, number: int) -> list[Committed]:
        """Commit every step of a release, as a run does that never ends."""
        names = [step.name for step in self.target().plan(image(number))]
        return [self.commit(number, name) for name in names]

    def says(self) -> tuple[str, dict[str, str], dict[str, int]]:
        """What Git says: the colour that is selected, and the image and replicas of each."""
        current = self.target().current
        images = {at.file[:-5]: str(one) for at, one in current.items() if at.kind == "container"}
        counts = {at.file[:-5]: one for at, one in current.items() if at.name == "/spec/replicas"}
        (colour,) = (one for at, one in current.items() if at.title == "Service/shop")
        return str(colour), images, {name: int(one) for name, one in counts.items()}


@pytest.fixture
def environment(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    runs(monkeypatch, 1)
    return Environment(origin, Origin(tmp_path / "app"))


def test_every_step_is_one_commit_that_says_which(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
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
        ["M\tprod/shop/green.yaml"],
        ["M\tprod/shop/service.yaml"],
        ["M\tprod/shop/blue.yaml"],
    ]
    expected = {"blue": image(1), "green": image(2)}
    assert environment.says() == ("green", expected, {"blue": 0, "green": 2})
    text = environment.ops.fetch("prod", "shop").files["service.yaml"]
    assert b"{app: shop, example.org/colour: green}  # the switch" in text


def test_a_step_that_git_holds_already_is_no_commit_and_keeps_its_time(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
    environment.commit(2, "1/3 prepare green")
    first = environment.commit(2, "2/3 switch to green")
    runs(monkeypatch, 3)
    again = environment.commit(2, "2/3 switch to green")
    assert (again.commit, again.new) == (first.commit, False)
    at = environment.origin.bare.commit(first.commit).committed_datetime
    assert again.at == at


def test_what_another_run_has_done_meanwhile_is_not_done_again(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    target = environment.target()
    prepare, *_ = target.plan(image(2))
    runs(monkeypatch, 2)
    last = environment.release(2)[-1]
    runs(monkeypatch, 3)
    ops, source, revision = environment.ops, environment.source, environment.revisions[1]
    late = commit_release(ops, source, target, prepare, revision, image(2), Cause(), {})
    assert (late.commit, late.new) == (last.commit, False)


def test_a_step_is_refused_where_the_one_before_it_was_undone(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
    environment.commit(2, "1/3 prepare green")
    files = environment.ops.fetch("prod", "shop").files
    undone = {**files, "green.yaml": deployment("green", 0, image(1))}
    tip = environment.origin.commit({f"prod/shop/{name}": text for name, text in undone.items()})
    with pytest.raises(RefuseError) as caught:
        environment.commit(2, "2/3 switch to green")
    assert caught.value.what == "The environment was changed during the rollout."
    assert caught.value.facts["expected"] == "what '1/3 prepare green' committed"
    assert environment.origin.tip() == tip
    assert environment.says()[0] == "blue"


def test_a_rollback_before_the_scale_down_switches_back_in_one_commit(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
    environment.commit(2, "1/3 prepare green")
    tip = environment.commit(2, "2/3 switch to green").commit
    runs(monkeypatch, 3)
    goal, landed = go_back(
        environment.ops, environment.source, environment.target(), None, "5xx", "Ada"
    )
    assert (goal.image, goal.bad) == (image(1), environment.revisions[1].commit)
    assert environment.origin.changed(tip, landed.commit) == [
        "A\tprod/shop/holds.yaml",
        "M\tprod/shop/service.yaml",
    ]
    assert environment.says()[0] == "blue"
    # What is left of the way back is the plan's.
    assert [step.name for step in environment.target().plan(goal.image, back=True)] == [
        "2/3 switch to blue",
        "3/3 scale down green",
    ]
    with pytest.raises(RefuseError, match="on hold"):
        environment.release(2)


def test_a_rollback_that_has_steps_left_is_gone_on_with_by_the_next_one(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
    environment.release(2)
    runs(monkeypatch, 3)
    environment.release(3)
    found = []
    for run in (4, 5):
        runs(monkeypatch, run)
        found.append(
            go_back(environment.ops, environment.source, environment.target(), None, "5xx", "Ada")
        )
    assert [goal.image for goal, _ in found] == [image(2), image(2)]
    assert [landed.new for _, landed in found] == [True, False]


def test_a_rollback_from_what_somebody_put_there_is_a_new_one(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
    environment.release(2)
    runs(monkeypatch, 3)
    go_back(environment.ops, environment.source, environment.target(), None, "5xx", "Ada")
    by_hand = deployment("green", 2, image(9))
    environment.origin.commit({"prod/shop/green.yaml": by_hand})
    history = environment.ops.history("prod", "shop")
    assert (
        begun_target(
            environment.source, environment.target(), history, None, "run", lambda _: False
        )
        is None
    )


def test_a_rollback_after_it_brings_the_version_before_up_first(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
    environment.release(2)
    runs(monkeypatch, 3)
    goal, _ = go_back(environment.ops, environment.source, environment.target(), None, "5xx", "Ada")
    assert environment.says() == (
        "green",
        {"blue": image(1), "green": image(2)},
        {"blue": 2, "green": 2},
    )
    assert environment.target().plan(goal.image)[1].name == "2/3 switch to blue"


def test_a_rollback_in_mid_rollout_leads_away_from_what_is_coming_and_not_from_what_serves(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
    tip = environment.commit(2, "1/3 prepare green").commit
    runs(monkeypatch, 3)
    goal, landed = go_back(
        environment.ops, environment.source, environment.target(), None, "5xx", "Ada"
    )
    assert (goal.image, goal.bad) == (image(1), environment.revisions[1].commit)
    assert environment.origin.changed(tip, landed.commit) == [
        "M\tprod/shop/green.yaml",
        "A\tprod/shop/holds.yaml",
    ]
    assert environment.says()[2] == {"blue": 2, "green": 0}


def test_a_run_leads_back_from_what_it_released_itself(environment: Environment) -> None:
    environment.release(1)
    environment.commit(2, "1/3 prepare green")
    for _ in range(2):
        goal, _ = go_back(
            environment.ops, environment.source, environment.target(), None, "red", "shipway"
        )
        assert (goal.image, goal.bad) == (image(1), environment.revisions[1].commit)
    assert (
        len([one for one in environment.ops.history("prod", "shop") if "Held" in one.trailers]) == 1
    )


def test_an_image_that_somebody_put_there_is_what_a_rollback_leads_away_from(
    environment: Environment,
) -> None:
    environment.release(1)
    files = dict(environment.ops.fetch("prod", "shop").files)
    history = environment.ops.history("prod", "shop")

    def bad_with(**changed: bytes) -> str:
        files.update({f"{name}.yaml": content for name, content in changed.items()})
        environment.origin.commit({f"prod/shop/{name}": text for name, text in files.items()})
        return bad_image(environment.target(), history)

    # The idle colour still has the release's image: that one is under way.
    assert bad_with(blue=deployment("blue", 2, image(9))) == image(1)
    assert bad_with(green=deployment("green", 0, image(8))) == image(9)


def test_where_a_way_back_leads_is_known_before_it_is_taken(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.release(1)
    runs(monkeypatch, 2)
    environment.release(2)
    wanted, target = environment.ops.fetch("prod", "shop"), environment.target()
    history = environment.ops.history("prod", "shop")
    source = environment.source
    assert rollback_target(
        source, wanted, target, history, None, "run", lambda _: False
    ).image == image(1)
    with pytest.raises(RefuseError, match="no release to go back to of 1234567"):
        rollback_target(source, wanted, target, history, "1234567", "run", lambda _: False)
