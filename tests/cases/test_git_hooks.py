"""A hook's own words.

Each input is what a hook of the server prints, which sounds like something that Git says: what
happens next is decided by the status of the push and by the server's branch.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError, RetryError
from shipway.git import ops_repository
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from tests.support.origin import Origin

SHOP = AppEnvironment(environment="prod", app="shop")
WORDS = [
    "[rejected]",
    "! [rejected] main -> main (fetch first)",
    "!\trefs/heads/x:refs/heads/main\t[rejected] (fetch first)",
    "error: cannot lock ref 'refs/heads/main': is at 1 but expected 2",
    "failed to update ref",
    "incorrect old value provided",
    "the policy server timed out, could not resolve host policy",
    "fatal: the remote end hung up unexpectedly",
    "error: RPC failed; HTTP 502",
    "connection refused by policy",
    "Permission denied: the release window is closed",
    "fatal: Authentication failed for 'ticket'",
    "error: 403 from the ticket system",
    "repository policy not found",
    "fatal: couldn't find remote ref refs/heads/main",
    "Host key verification failed.",
    "error: object file is empty",
    "fatal: Unable to create '/x/shallow.lock': File exists.",
    "detected dubious ownership in repository at '/x'",
    "",
]


@pytest.fixture
def filled(origin: Origin) -> Origin:
    origin.commit({"prod/shop/web.yaml": b"a\n"})
    return origin


def hook(origin: Origin, name: str, script: str) -> None:
    file = origin.path / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def proposing(seen: list[str]) -> ops_repository.Propose:
    def propose(there: OpsFolder, _history: History) -> Proposal | None:
        seen.append(there.commit)
        if there.files["web.yaml"] == b"b\n":
            return None
        return Proposal(changes={f"{there.path}/web.yaml": b"b\n"}, message="release")

    return propose


@pytest.mark.parametrize("name", ["pre-receive", "update"])
@pytest.mark.parametrize("words", WORDS)
def test_a_hook_that_refuses_is_believed_at_once(
    filled: Origin, tmp_path: Path, words: str, name: str
) -> None:
    (tmp_path / "words").write_text(f"{words}\n")
    hook(filled, name, f"cat {tmp_path}/words; cat {tmp_path}/words >&2; exit 1")
    before, seen = filled.tip(), list[str]()
    with pytest.raises(RefuseError, match="The Git server does not allow it") as caught:
        OpsRepository(url=filled.url, timeout_seconds=30).commit(SHOP, proposing(seen))
    assert words in str(caught.value.facts["got"])
    assert "hook declined" in str(caught.value.facts["got"])
    assert (seen, filled.tip()) == ([before], before)


@pytest.mark.parametrize("words", WORDS)
def test_a_hook_that_lets_pass_may_say_what_it_likes(
    filled: Origin, tmp_path: Path, words: str
) -> None:
    (tmp_path / "words").write_text(f"{words}\n")
    for name in ("pre-receive", "update", "post-receive", "post-update"):
        hook(filled, name, f"cat {tmp_path}/words; cat {tmp_path}/words >&2; exit 0")
    seen = list[str]()
    landed = OpsRepository(url=filled.url).commit(SHOP, proposing(seen))
    assert (landed.commit, landed.new, len(seen)) == (filled.tip(), True, 1)


@pytest.mark.parametrize("words", ["", "hook says no", "pre-receive hook declined"])
def test_a_branch_that_moved_meanwhile_is_a_lost_race_whatever_the_hook_says(
    filled: Origin, tmp_path: Path, words: str
) -> None:
    # The hook of the first push refuses, because somebody else's commit came in.
    theirs = filled.bare.git.commit_tree("main^{tree}", "-p", "main", "-m", "theirs")
    script = (
        f"test -e {tmp_path}/done && exit 0; touch {tmp_path}/done; echo '{words}'\n"
        f"unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main {theirs}; exit 1"
    )
    hook(filled, "pre-receive", script)
    seen = list[str]()
    landed = OpsRepository(url=filled.url).commit(SHOP, proposing(seen))
    assert landed.new
    assert seen[-1] == theirs
    assert filled.bare.git.rev_parse("main~1") == theirs


def test_a_branch_that_is_locked_by_another_push_is_tried_again(
    filled: Origin, tmp_path: Path
) -> None:
    lock = filled.path / "refs/heads/main.lock"
    hook(filled, "pre-receive", f"test -e {tmp_path}/n && rm -f {lock}; touch {tmp_path}/n; exit 0")
    lock.touch()
    seen = list[str]()
    landed = OpsRepository(url=filled.url).commit(SHOP, proposing(seen))
    assert (landed.commit, len(seen)) == (filled.tip(), 2)


def test_a_branch_that_stays_locked_is_told_with_the_servers_words(filled: Origin) -> None:
    (filled.path / "refs/heads/main.lock").touch()
    with pytest.raises(RetryError) as caught:
        OpsRepository(url=filled.url, timeout_seconds=3).commit(SHOP, proposing([]))
    assert "main.lock': File exists" in str(caught.value.facts["got"])


@pytest.mark.parametrize(
    "setting", ["receive.denyCurrentBranch", "receive.fsckObjects", "hideRefs"]
)
def test_what_the_server_itself_refuses_is_told_at_once(filled: Origin, setting: str) -> None:
    values = {
        "receive.denyCurrentBranch": {"core.bare": "false", "receive.denyCurrentBranch": "refuse"},
        "receive.fsckObjects": {"receive.maxInputSize": "10"},
        "hideRefs": {"receive.hideRefs": "refs/heads/main"},
    }[setting]
    for name, value in values.items():
        filled.bare.git.config(name, value)
    seen = list[str]()
    with pytest.raises(RefuseError, match="The Git server does not allow it"):
        OpsRepository(url=filled.url, timeout_seconds=30).commit(SHOP, proposing(seen))
    assert len(seen) == 1
