"""Random histories in real Git: a rollback leads to what the files said before; history agrees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder
from shipway.history.changes import changes_since
from shipway.rollback.target import RollbackTarget, rollback_target
from shipway.rollout.target import target_of
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.people import Merger, Person
from tests.support.rolling_environment import ROLLOUT, RollingEnvironment, image
from tests.support.run_contexts import run_context

FOLDER = "prod/shop"
BY_HAND = 9
ACTIONS = st.one_of(
    st.tuples(st.just("release"), st.sampled_from([1, 2, 3])),
    st.tuples(st.just("release"), st.sampled_from([1, 2, 3])),
    st.tuples(st.just("revert"), st.sampled_from([1, 2])),
    st.tuples(st.just("roll_back"), st.just(0)),
    st.tuples(st.just("clear_hold"), st.just(0)),
    st.tuples(st.just("squash"), st.sampled_from([1, 2])),
    st.tuples(st.just("merge"), st.just(0)),
    st.tuples(st.just("set_image"), st.sampled_from([1, 2, 3, BY_HAND])),
    st.tuples(st.just("edit"), st.just(0)),
)


class Said(NamedTuple):
    """What the files say: what ran, one after the other and not taken back, and what is on hold."""

    stack: tuple[int, ...] = ()
    held: frozenset[int] = frozenset()

    @property
    def before(self) -> int | None:
        """How much of the stack is left after a rollback; None where there is none to go to."""
        may_follow = [image != self.stack[-1] and image not in self.held for image in self.stack]
        return max((at + 1 for at, may in enumerate(may_follow) if may), default=None)


class Story:
    """A history, and what its files said after each commit that changed them."""

    def __init__(self, folder: Path) -> None:
        for name in ("ops", "app"):
            (folder / name).mkdir()
        self.shop = RollingEnvironment(Origin(folder / "ops"), Origin(folder / "app"))
        self.shop.origin.commit({f"{FOLDER}/rollout.yaml": ROLLOUT + b"order: any\n"})
        self.person = Person(self.shop.origin)
        self.revisions = [self.shop.older, self.shop.newer, self.shop.beside]
        self.line = [Said()]
        self.released = [False]
        self.run = 0

    @property
    def now(self) -> Said:
        return self.line[-1]

    def act(self, action: str, number: int) -> None:
        self.run += 1
        self.shop.run = run_context(self.run)
        getattr(self, action)(number)

    def then(self, said: Said, *, released: bool = False) -> None:
        self.line.append(said)
        self.released.append(released)

    def release(self, number: int) -> None:
        if number in self.now.held or self.now.stack[-1:] == (number,):
            return
        self.shop.release(self.revisions[number - 1], image(number))
        self.then(self.now._replace(stack=(*self.now.stack, number)), released=True)

    def revert(self, count: int) -> None:
        if len(self.line) <= count:
            return
        self.person.pull()
        self.person.git.rm("-r", "--quiet", FOLDER)
        self.person.git.checkout(f"HEAD~{count}", "--", FOLDER)
        self.person.git.commit("--quiet", "--allow-empty", "--message", "Revert")
        self.person.push()
        self.then(self.line[-1 - count])

    def roll_back(self, _number: int) -> None:
        if not self.now.stack or self.now.before is None:
            return
        self.shop.roll_back()
        held = self.now.held | {self.now.stack[-1]}
        self.then(Said(self.now.stack[: self.now.before], held))

    def clear_hold(self, _number: int) -> None:
        # What was put there by hand, and never released, is on hold as an unknown revision.
        commits = {at: one.commit for at, one in enumerate(self.revisions, 1)}
        known = [at for at in sorted(self.now.held) if commits.get(at) in self.shop.holds()]
        if known:
            self.shop.clear_hold(commits[known[0]], "mended", "Grace")
            self.then(self.now._replace(held=self.now.held - {known[0]}))

    def squash(self, count: int) -> None:
        if len(self.line) <= count or not all(self.released[-count:]):
            return
        Merger(self.shop.origin).squash("Release (#7)", count)
        # In between, the files said nothing that ever was on the branch.
        stack = (*self.line[-1 - count].stack, self.now.stack[-1])
        said = self.now._replace(stack=stack)
        if stack[-2:-1] == stack[-1:]:
            said = said._replace(stack=stack[:-1])
        self.line[-count:], self.released[-count:] = [said], [True]

    def merge(self, _number: int) -> None:
        if self.released[-1]:
            Merger(self.shop.origin).merge()

    def set_image(self, number: int) -> None:
        if not self.now.stack or self.now.stack[-1] == number:
            return
        web = self.shop.web().replace(
            str(image(self.now.stack[-1])).encode(), str(image(number)).encode()
        )
        self.person.edit({f"{FOLDER}/web.yaml": web})
        # What said so earlier is come back to.
        earlier = [said.stack for said in self.line if said.stack[-1:] == (number,)]
        stack = earlier[-1] if earlier else (*self.now.stack, number)
        self.then(self.now._replace(stack=stack))

    def edit(self, _number: int) -> None:
        self.person.edit({f"{FOLDER}/notes.txt": f"{self.run}".encode()})
        self.then(self.now)

    def leads_to(self) -> int | None:
        run = run_context(self.run + 1)

        def target(folder: OpsFolder, history: History) -> RollbackTarget:
            return rollback_target(folder, target_of(folder), history, None, run)

        try:
            found = self.shop.ops.consult(SHOP, target)
        except RefuseError as error:
            assert error.what == "There is no release to go back to."  # noqa: PT017
            return None
        return int(str(found.image)[-1])

    def shows(self) -> int | None:
        """The image that the history's newest row says to run; None before the first release."""
        since = datetime(2020, 1, 1, tzinfo=UTC)
        (changes,) = self.shop.ops.look_back(
            SHOP.environment, SHOP.app, since, lambda history: changes_since(history, since)
        )
        images = (int(change.image[-1]) for change in changes if change.kind != "hold cleared")
        return next(images, 0) or None


@contextmanager
def story() -> Iterator[Story]:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHIPWAY_STATE", f"{folder}/state")
        yield Story(Path(folder))


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(ACTIONS, min_size=4, max_size=9))
def test_a_rollback_leads_to_what_the_files_said_before(actions: list[tuple[str, int]]) -> None:
    with story() as told:
        for action in actions:
            told.act(*action)
            stack, before = told.now.stack, told.now.before if told.now.stack else None
            assert told.leads_to() == (stack[before - 1] if before else None), told.line
            assert told.shows() == (stack[-1] if stack else None), told.line
