"""Which answer counts, of a run that was suspended; the server and the team are lists."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from flows.runtime import approval, suspension
from flows.runtime.approval import DeclinedError, ask_for_approval
from flows.runtime.question import Answer, Approval, Asked, Question
from flows.runtime.suspension import Suspendable, Waits, commits_before, release_before
from shipway.errors import HaltError
from shipway.git.ops_folder import OpsFolder
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollout.approval_commit import ApprovalCommit
from shipway.rollout.found_approval import FoundApproval
from shipway.rollout.result import StepCommit
from shipway.strategies.step import Step
from tests.support.app_environments import SHOP
from tests.support.memory_ops import revision
from tests.support.rolling_environment import ROLLOUT, WEB, image
from tests.support.watched import target

RUN = UUID(int=1)
YES = Approval(approve=True, who="Ada\nLovelace", reason="it looks good")
COMMIT = StepCommit(commit="c" * 40, new=True, link="", at=datetime.now(UTC))


class Server:
    """What a run was suspended with, and what a person has answered.

    Attributes:
        answer: The answer.
        told: What the team heard.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer: Answer | None = Answer(YES, is_late=False)
        self.told: list[str] = []
        self._patch = monkeypatch

        async def answer(_asked: Asked, _run: UUID) -> Answer | None:
            return self.answer

        async def announce(_target: Any, _release: Any, what: str, *_: Any, **_more: Any) -> None:
            self.told.append(what)

        monkeypatch.setattr(Asked, "answer", answer)
        monkeypatch.setattr(approval, "announce", announce)
        monkeypatch.setattr(approval, "opened_run_log", logging.getLogger)

    def suspended_with(self, asked: Question | None) -> None:
        until = datetime.now(UTC) + timedelta(hours=1)
        waited = asked and Asked(question=asked, key="k", until=until, report=None)
        suspension._this.set(Suspendable(run=RUN, asked=waited))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    token = suspension._this.set(None)
    yield Server(monkeypatch)
    suspension._this.reset(token)


def release(desired: ImageRef) -> Release:
    return Release(revision=revision(1), image=desired)


def folder(*, content: str = "", rollout: str = "", signers: str | None = None) -> OpsFolder:
    """The folder as a person judges it."""
    return OpsFolder(
        app_environment=SHOP,
        commit="e" * 40,
        files={"rollout.yaml": ROLLOUT + rollout.encode(), "web.yaml": WEB + content.encode()},
        allowed_signers=signers.encode() if signers else None,
    )


async def ask(
    step: str = "2/2 switch",
    desired: ImageRef | None = None,
    found: FoundApproval | None = None,
    **files: Any,
) -> dict[str, str]:
    async def look(_wanted: ApprovalCommit) -> FoundApproval:
        assert found is not None
        return found

    given, commits = release(desired or image(1)), {"1/2 preview": COMMIT}
    judged = folder(**files)
    return await ask_for_approval(target(), Step(name=step), given, {}, judged, commits, look)


async def asked_with(server: Server, **files: Any) -> Question:
    """What a run is suspended with."""
    server.suspended_with(None)
    with pytest.raises(Waits) as waits:
        await ask(**files)
    return waits.value.question


async def test_a_run_that_can_be_suspended_is_once_it_has_asked(server: Server) -> None:
    question = await asked_with(server)
    assert server.told == ["approval"]
    assert (question.step, question.timeout_seconds) == ("2/2 switch", 3600)
    assert question.sentence == "2/2 switch waits for an approval."


async def test_resumed_it_has_its_answer_and_nobody_is_told_again(server: Server) -> None:
    server.suspended_with(await asked_with(server))
    said = {"Approved-By": "Ada Lovelace (unverified)", "Approved-Because": "it looks good"}
    assert await ask() == said
    server.answer = Answer(Approval(approve=False, who="Ada"), is_late=False)
    with pytest.raises(DeclinedError) as declined:
        await ask()
    assert declined.value.who == "Ada"
    assert declined.value.what == "Ada did not approve '2/2 switch'."
    assert server.told == ["approval"]


@pytest.mark.parametrize(
    "other",
    [{"step": "1/2 preview"}, {"desired": image(2)}, {"content": "# By hand\n"}],
    ids=["another step", "another image", "Git says something else"],
)
async def test_an_answer_approves_just_what_it_was_given_for(
    server: Server, other: dict[str, Any]
) -> None:
    server.suspended_with(await asked_with(server))
    with pytest.raises(Waits):
        await ask(**other)
    assert server.told == ["approval"] * 2


async def test_without_an_answer_it_is_asked_again(server: Server) -> None:
    # Somebody has set the state by hand.
    server.suspended_with(await asked_with(server))
    server.answer = None
    with pytest.raises(Waits):
        await ask()


async def test_an_answer_that_comes_too_late_approves_nothing(server: Server) -> None:
    server.suspended_with(await asked_with(server))
    server.answer = Answer(YES, is_late=True)
    with pytest.raises(HaltError, match="Nobody approved '2/2 switch'"):
        await ask()


async def test_a_run_knows_its_commits_and_its_release_from_before(server: Server) -> None:
    server.suspended_with(await asked_with(server))
    assert release_before() == release(image(1))
    assert commits_before(release(image(1))) == {"1/2 preview": COMMIT}
    # Of a way back from it, none is made yet.
    assert commits_before(release(image(2))) == {}


def test_a_run_that_was_never_suspended_knows_nothing_of_before(server: Server) -> None:
    assert release_before() is None
    server.suspended_with(None)
    assert release_before() is None
    assert commits_before(release(image(1))) == {}


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGGahaUNoJpSTjTeHTvyd/vl0DNg1pOIqESk8EsAnLTq"
LINE = f"ada@example.org {KEY}\n"
SIGNED: dict[str, Any] = {
    "rollout": "rolling: {approval: true}\napprovers: [ada@example.org]\n",
    "signers": LINE,
}
TRAILERS = {"Approved-By": "ada@example.org (signed, SHA256:x)", "Approved-In": "a" * 40}


async def test_where_a_signature_is_asked_for_the_form_says_how(server: Server) -> None:
    question = await asked_with(server, **SIGNED)
    assert question.signed is not None
    assert question.sentence == "2/2 switch waits for an approval that ada@example.org signs."
    assert question.signed.command in question.description
    assert "Not approved" not in question.description
    # No two questions are the same.
    again = await asked_with(server, **SIGNED)
    assert again.signed is not None
    assert again.signed.branch != question.signed.branch


async def test_a_signature_approves_whatever_the_form_says_of_who(server: Server) -> None:
    server.suspended_with(await asked_with(server, **SIGNED))
    found = FoundApproval(commit="a" * 40, trailers=TRAILERS)
    assert await ask(found=found, **SIGNED) == TRAILERS
    assert server.told == ["approval"]


async def test_a_yes_alone_approves_nothing_and_the_form_says_why(server: Server) -> None:
    question = await asked_with(server, **SIGNED)
    server.suspended_with(question)
    found = FoundApproval(commit="b" * 40, why_not="It approves another step.")
    with pytest.raises(Waits) as waits:
        await ask(found=found, **SIGNED)
    again = waits.value.question
    # What the person was told to sign still counts.
    assert again.signed == question.signed
    assert again.looked_at == "b" * 40
    assert "It approves another step." in again.description
    assert server.told == ["approval"] * 2


async def test_a_no_needs_no_signature(server: Server) -> None:
    server.suspended_with(await asked_with(server, **SIGNED))
    server.answer = Answer(Approval(approve=False, who="Ada"), is_late=False)
    with pytest.raises(DeclinedError, match="Ada did not approve"):
        await ask(**SIGNED)


async def test_a_signature_that_comes_too_late_approves_nothing(server: Server) -> None:
    server.suspended_with(await asked_with(server, **SIGNED))
    server.answer = Answer(YES, is_late=True)
    with pytest.raises(HaltError, match="Nobody approved"):
        await ask(found=FoundApproval(commit="a" * 40, trailers=TRAILERS), **SIGNED)


@pytest.mark.parametrize(
    "other",
    [{"signers": f"{LINE}{LINE}"}, {"content": "# By hand\n"}, {"desired": image(2)}],
    ids=["other keys", "Git says something else", "another image"],
)
async def test_a_signature_is_asked_for_anew_where_something_else_is_asked(
    server: Server, other: dict[str, Any]
) -> None:
    question = await asked_with(server, **SIGNED)
    server.suspended_with(question)
    with pytest.raises(Waits) as waits:
        await ask(**SIGNED | other)
    assert question.signed is not None
    assert waits.value.question.signed is not None
    assert waits.value.question.signed.number != question.signed.number


async def test_a_run_that_cannot_be_suspended_asks_until_it_is_signed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        FoundApproval(why_not="Nobody has signed an approval yet."),
        FoundApproval(commit="a" * 40, trailers=TRAILERS),
    ]
    shown = list[str]()

    async def paused(question: Question) -> Approval:
        shown.append(question.description)
        return YES

    async def look(_wanted: ApprovalCommit) -> FoundApproval:
        return found[len(shown) - 1]

    monkeypatch.setattr(approval, "_paused", paused)
    step, given = Step(name="2/2 switch"), release(image(1))
    said = await ask_for_approval(target(), step, given, {}, folder(**SIGNED), {}, look)
    assert said == TRAILERS
    assert ["Nobody has signed" in text for text in shown] == [False, True]
