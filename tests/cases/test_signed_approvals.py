"""Approvals by a signed commit: real keys, pasted commands and a real repository."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from shipway.git.ops_repository import OpsRepository
from shipway.git.signature import AllowedSigners
from shipway.release import Release
from shipway.rollout.approval_commit import ApprovalCommit
from shipway.rollout.approvers import Approvers
from shipway.rollout.found_approval import find_approval
from tests.support.app_environments import SHOP
from tests.support.memory_ops import revision
from tests.support.origin import Origin
from tests.support.rolling_environment import image
from tests.support.signers import Person


class Shop(NamedTuple):
    """The ops repository, a clone of it, what is asked there, and two people."""

    origin: Origin
    clone: Path
    wanted: ApprovalCommit
    ada: Person
    bob: Person


def wanted(*lines: str) -> ApprovalCommit:
    """What Ada is asked, with a list of allowed signers."""
    signers = AllowedSigners(file="prod/allowed_signers", text="".join(lines))
    return ApprovalCommit(
        app_environment=SHOP,
        release=Release(revision=revision(1), image=image(1)),
        step="1/1 rolling",
        fingerprint="f" * 64,
        approvers=Approvers(names=("ada@example.org", "grace@example.org"), signers=signers),
    )


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> Shop:
    origin.commit({"a": b"1"})
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", origin.url, str(clone)], check=True)
    ada, bob = (Person(f"{name}@example.org", tmp_path) for name in ("ada", "bob"))
    return Shop(origin, clone, wanted("# Keys\n\n", ada.line(), bob.line()), ada, bob)


def with_signers(shop: Shop, *lines: str) -> ApprovalCommit:
    """The same question, with another list."""
    approvers = wanted(*lines).approvers
    return shop.wanted.model_copy(update={"approvers": approvers})


# By which lines of a list Ada's signature counts.
GOOD: dict[str, Callable[[Shop], str]] = {
    "her line": lambda shop: shop.ada.line(),
    "several names": lambda shop: f"a@b,{shop.ada.line()}",
    "a pattern": lambda shop: f"ada@* {shop.ada.key}\n",
    "a key for Git": lambda shop: shop.ada.line('namespaces="git" '),
    "an older key beside it": lambda shop: f"ada@example.org {shop.bob.key}\n{shop.ada.line()}",
    "a line that is none": lambda shop: f"nonsense\n{shop.ada.line()}",
    "a key that is still good": lambda shop: shop.ada.line('valid-before="21260101Z" '),
}


@pytest.mark.parametrize("lines", GOOD.values(), ids=GOOD.keys())
def test_the_command_of_the_form_approves(shop: Shop, lines: Callable[[Shop], str]) -> None:
    asked = with_signers(shop, lines(shop))
    shop.ada.paste(asked.command, shop.clone)
    found = find_approval(OpsRepository(url=shop.origin.url), asked)
    assert found.trailers == {
        "Approved-By": f"ada@example.org (signed, {shop.ada.fingerprint})",
        "Approved-In": shop.origin.tip(asked.branch),
    }, found.why_not


# Lists by which it does not.
BAD: dict[str, Callable[[Shop], str]] = {
    "nobody": lambda _: "",
    "no longer her key": lambda shop: f"ada@example.org {shop.bob.key}\n",
    "her key, for somebody who may not": lambda shop: f"bob@example.org {shop.ada.key}\n",
    "a pattern that leaves her out": lambda shop: f"a*,!ada@example.org {shop.ada.key}\n",
    "a key of both": lambda shop: f"ada@example.org,grace@example.org {shop.ada.key}\n",
    "a key of everybody": lambda shop: f"* {shop.ada.key}\n",
    "a key for files": lambda shop: shop.ada.line('namespaces="file" '),
    "a key that has expired": lambda shop: shop.ada.line('valid-before="20260101Z" '),
    "a key that is not good yet": lambda shop: shop.ada.line('valid-after="21260101Z" '),
    "an option that nobody knows": lambda shop: shop.ada.line("trusted "),
    "an authority's key": lambda shop: shop.ada.line("cert-authority "),
}


@pytest.mark.parametrize("lines", BAD.values(), ids=BAD.keys())
def test_a_key_that_is_not_hers_now_approves_nothing(
    shop: Shop, lines: Callable[[Shop], str]
) -> None:
    asked = with_signers(shop, lines(shop))
    # Git itself would believe the commit when it is from, and an expired key with it.
    shop.ada.paste(asked.command, shop.clone, GIT_COMMITTER_DATE="2025-01-01T00:00:00Z")
    found = find_approval(OpsRepository(url=shop.origin.url), asked)
    assert found.trailers == {}
    assert "not signed by a person who may" in found.why_not
    assert shop.ada.fingerprint in found.why_not


def test_without_a_branch_nobody_has_signed(shop: Shop) -> None:
    found = find_approval(OpsRepository(url=shop.origin.url), shop.wanted)
    assert (found.commit, found.trailers) == ("", {})
    assert "Nobody has signed an approval yet." in found.why_not


def test_a_commit_without_a_signature_approves_nothing(shop: Shop) -> None:
    shop.ada.paste(shop.wanted.command.replace(" -S ", " "), shop.clone)
    found = find_approval(OpsRepository(url=shop.origin.url), shop.wanted)
    assert found.trailers == {}
    assert "no signature by an SSH key" in found.why_not


def test_whoever_may_not_approve_does_not(shop: Shop) -> None:
    shop.bob.paste(shop.wanted.command, shop.clone)
    found = find_approval(OpsRepository(url=shop.origin.url), shop.wanted)
    assert found.trailers == {}
    assert shop.bob.fingerprint in found.why_not
    # She pushes over it.
    shop.ada.paste(shop.wanted.command, shop.clone)
    assert find_approval(OpsRepository(url=shop.origin.url), shop.wanted).trailers


OTHERS = {
    "another step": {"step": "2/2 switch"},
    "another image": {"release": Release(revision=revision(1), image=image(2))},
    "another revision": {"release": Release(revision=revision(2), image=image(1))},
    "another environment": {"app_environment": SHOP.model_copy(update={"environment": "test"})},
    "another app": {"app_environment": SHOP.model_copy(update={"app": "cart"})},
    "other files": {"fingerprint": "e" * 64},
    "an older question": {"number": "0" * 16},
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_what_approves_something_else_approves_nothing_here(
    shop: Shop, other: dict[str, object]
) -> None:
    signed = shop.wanted.model_copy(update=other)
    command = signed.command.replace(signed.branch, shop.wanted.branch)
    shop.ada.paste(command, shop.clone)
    found = find_approval(OpsRepository(url=shop.origin.url), shop.wanted)
    assert found.trailers == {}
    assert "The commit approves something else." in found.why_not


def forged(shop: Shop, change: Callable[[bytes], bytes]) -> str:
    """Have what Ada signed changed by somebody else; return why it approves nothing."""
    other = shop.wanted.model_copy(update={"number": "0" * 16})
    shop.ada.paste(other.command, shop.clone)
    git = ["git", f"--git-dir={shop.origin.path}"]
    content = subprocess.run(
        [*git, "cat-file", "commit", other.branch], check=True, capture_output=True
    ).stdout
    assert change(content) != content
    written = subprocess.run(
        [*git, "hash-object", "-t", "commit", "-w", "--stdin"],
        input=change(content),
        check=True,
        capture_output=True,
    ).stdout
    ref = f"refs/heads/{shop.wanted.branch}"
    subprocess.run([*git, "update-ref", ref, written.decode().strip()], check=True)
    found = find_approval(OpsRepository(url=shop.origin.url), shop.wanted)
    assert found.trailers == {}
    return found.why_not


def asked_now(shop: Shop, content: bytes) -> bytes:
    """A commit that says what is asked."""
    return content.replace(b"0" * 16, shop.wanted.number.encode())


def test_a_signature_of_another_commit_approves_nothing(shop: Shop) -> None:
    why_not = forged(shop, lambda content: asked_now(shop, content))
    assert "a signature of something else" in why_not


def test_of_two_signatures_neither_counts(shop: Shop) -> None:
    def twice(content: bytes) -> bytes:
        begin = content.index(b"gpgsig ")
        end = content.index(b"-----END SSH SIGNATURE-----\n", begin)
        signature = content[begin : content.index(b"\n", end) + 1]
        return asked_now(shop, content.replace(signature, signature * 2))

    assert "no signature by an SSH key" in forged(shop, twice)


def test_a_signature_of_another_kind_approves_nothing(shop: Shop) -> None:
    def openpgp(content: bytes) -> bytes:
        return asked_now(shop, content.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"))

    assert "no signature by an SSH key" in forged(shop, openpgp)
