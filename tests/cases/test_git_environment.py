"""The worker's own Git settings.

Each input is a setting or a variable of the worker's that would change what Git does: a release
commit and a checkout come out as they do without, to the byte.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.source_repository import SourceRepository
from shipway.git.trailers import with_trailers
from tests.support.ops_commits import ops_commits
from tests.support.origin import Origin
from tests.support.packages import have

SHOP = AppEnvironment(environment="prod", app="shop")
TEXT = b"image: a\r\nname: \xc3\xbc\n"
FILES = {
    "prod/shop/web.yaml": TEXT,
    "prod/shop/rollout.yaml": b"strategy: rolling\n",
    "app/\u00fc ber.txt": b"$Id$\nline\n",
    "app/run.sh": b"#!/bin/sh\r\necho\n",
}
TRAILERS = {"App": "shop", "Environment": "prod", "Image": "r/shop@sha256:0"}

# The file `gitconfig` of the user; {tmp} is a folder, {origin} the repository.
SETTINGS = {
    "log.showSignature": "[log]\n\tshowSignature = true",
    "log.decorate and log.date": "[log]\n\tdecorate = full\n\tdate = relative\n\tfollow = true",
    "core.autocrlf": "[core]\n\tautocrlf = true",
    "core.eol": "[core]\n\teol = crlf",
    "core.attributesFile": "[core]\n\tattributesFile = {tmp}/attributes",
    "safe.bareRepository": "[safe]\n\tbareRepository = explicit",
    "core.quotePath": "[core]\n\tquotePath = true\n\tprecomposeUnicode = true",
    "i18n.logOutputEncoding": "[i18n]\n\tlogOutputEncoding = UTF-16\n\tcommitEncoding = latin1",
    "fetch.prune and fetch.fsckObjects": "[fetch]\n\tprune = true\n\tfsckObjects = true",
    "fetch.parallel and recursion": "[fetch]\n\tparallel = 9\n\trecurseSubmodules = true",
    "remote.origin.fetch": '[remote "origin"]\n\tfetch = +refs/heads/*:refs/heads/x/*',
    "remote.origin.mirror": '[remote "origin"]\n\tmirror = true\n\tpushurl = file:///none',
    "remote.pushDefault": "[remote]\n\tpushDefault = other\n[push]\n\tdefault = nothing",
    "push.followTags": "[push]\n\tfollowTags = true\n\tgpgSign = true\n\tpushOption = a=b",
    "url.insteadOf": '[url "file:///none/"]\n\tinsteadOf = file://',
    "url.pushInsteadOf": '[url "file:///none/"]\n\tpushInsteadOf = file://',
    "core.hooksPath": "[core]\n\thooksPath = {tmp}/hooks",
    "commit.gpgSign": "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = false",
    "transfer.fsckObjects": "[transfer]\n\tfsckObjects = true\n\thideRefs = refs/heads/main",
    "protocol.version": "[protocol]\n\tversion = 0\n\tallow = never",
    "trailer.separators": "[trailer]\n\tseparators = =#",
    "user.useConfigOnly": "[user]\n\tuseConfigOnly = true",
    "core.sshCommand and core.gitProxy": "[core]\n\tsshCommand = false\n\tgitProxy = false",
    "core.bare and core.worktree": "[core]\n\tbare = false\n\tworktree = {tmp}",
    "extensions": "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tnone = true",
    "alias and pager": "[alias]\n\tfetch = !false\n[pager]\n\tlog = false\n[color]\n\tui = always",
    "a file that is broken": "[core\nthis is no setting",
    "include": "[include]\n\tpath = {tmp}/broken",
}
EVERYWHERE = ("core.autocrlf", "url.insteadOf", "log.showSignature")
VARIABLES = {
    "GIT_DIR": "/nowhere",
    "GIT_WORK_TREE": "/nowhere",
    "GIT_INDEX_FILE": "/nowhere/index",
    "GIT_OBJECT_DIRECTORY": "/nowhere",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere",
    "GIT_COMMON_DIR": "/nowhere",
    "GIT_NAMESPACE": "other",
    "GIT_CEILING_DIRECTORIES": "/:/tmp",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM": "no such truth",
    "GIT_TRACE": "1",
    "GIT_TRACE_PACKET": "{tmp}/trace",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_DEFAULT_HASH": "sha256",
    "GIT_CONFIG_PARAMETERS": "'core.autocrlf'='true'",
    "GIT_CONFIG": "{tmp}/broken",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_ALLOW_PROTOCOL": "https",
    "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Eve",
    "GIT_REPLACE_REF_BASE": "refs/heads",
    "GIT_GRAFT_FILE": "{tmp}/broken",
    "GIT_SHALLOW_FILE": "{tmp}/broken",
    "GIT_REF_PARANOIA": "no such truth",
    "GIT_SSH_COMMAND": "false",
    "GIT_EXEC_PATH": "/nowhere",
    "GIT_TEMPLATE_DIR": "{tmp}/template",
    "GIT_ATTR_SOURCE": "refs/heads/none",
    "GIT_ASKPASS": "false",
    "LANG": "de_DE.UTF-8",
    "LC_MESSAGES": "de_DE.UTF-8",
}


class Result(NamedTuple):
    """What came out: the release's commit and its tree, the record of it, and the checkout."""

    commit: list[str]
    tree: str
    record: dict[str, str]
    files: dict[str, bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What settings point to: hooks that fail, attributes, a template, a file that is broken."""
    folder = tmp_path / "settings"
    for hook in ("hooks/reference-transaction", "hooks/pre-push", "template/hooks/pre-push"):
        (folder / hook).parent.mkdir(parents=True, exist_ok=True)
        (folder / hook).write_text("#!/bin/sh\nexit 1\n")
        (folder / hook).chmod(0o755)
    (folder / "attributes").write_text("* text eol=crlf ident\n")
    (folder / "broken").write_text("[this is\nnone\n")
    return folder


def propose(there: OpsFolder, _history: History) -> Proposal:
    """The edit of a release."""
    changed = there.files["web.yaml"].replace(b"image: a", b"image: b")
    message = with_trailers("shop \u2192 prod", TRAILERS)
    return Proposal(changes={f"{there.path}/web.yaml": changed}, message=message)


def work(origin: Origin, into: Path, signing_key: str | None = None) -> Result:
    """A release, and a checkout of it; told by a Git that has no settings."""
    signing = {"signing": "ssh", "signing_key": signing_key} if signing_key else {}
    ops, source = OpsRepository(url=origin.url, **signing), SourceRepository(url=origin.url)
    landed = ops.commit(SHOP, propose)
    (record,) = ops_commits(ops, SHOP)
    assert ops.fetch(SHOP).files["web.yaml"] == TEXT.replace(b"a\r", b"b\r")
    source.checkout(source.resolve("main"), into)
    files = {str(path.relative_to(into)): path.read_bytes() for path in sorted(into.rglob("*.*"))}
    raw = plain_git(origin, "cat-file", "commit", landed.commit).splitlines()
    # Apart from the time.
    lines = [line.rpartition("> ")[0] or line for line in raw if not line.startswith("parent")]
    tree = plain_git(origin, "ls-tree", "-r", landed.commit)
    assert plain_git(origin, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]
    return Result(lines, tree, record.trailers, files)


def plain_git(origin: Origin, *command: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(
        ["git", f"--git-dir={origin.path}", *command],
        env=environment, capture_output=True, check=True, encoding="utf-8",
    )  # fmt: skip
    return done.stdout


def expected() -> Result:
    """What comes out without any settings."""
    files = FILES | {"prod/shop/web.yaml": b"image: b\r\nname: \xc3\xbc\n"}
    subject = ["author Shipway <shipway@localhost", "committer Shipway <shipway@localhost", ""]
    message = with_trailers("shop \u2192 prod", TRAILERS).splitlines()
    return Result([*subject, *message], "", TRAILERS, files)


def check(origin: Origin, into: Path) -> None:
    found, right = work(origin, into), expected()
    assert found.commit[0].startswith("tree ")
    assert found.commit[1:] == right.commit
    assert (found.record, found.files) == (right.record, right.files)
    assert found.tree == plain_git(origin, "ls-tree", "-r", "main")


def set_all(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def filled(origin: Origin) -> Origin:
    """The repository that is released to and from."""
    origin.commit(FILES)
    return origin


@pytest.mark.parametrize(
    ("name", "where"),
    [
        *((name, "global") for name in SETTINGS),
        *((name, where) for name in EVERYWHERE for where in ("home", "xdg", "system")),
    ],
)
def test_a_setting_of_the_worker_changes_nothing(
    filled: Origin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, where: str,
) -> None:  # fmt: skip
    file = folder / {"home": ".gitconfig", "xdg": "git/config"}.get(where, "config")
    file.parent.mkdir(exist_ok=True)
    file.write_text(SETTINGS[name].replace("{tmp}", str(folder)) + "\n")
    names = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "XDG_CONFIG_HOME", "GIT_CONFIG_NOSYSTEM")
    for variable in names:
        monkeypatch.delenv(variable, raising=False)
    places = {
        "global": {"GIT_CONFIG_GLOBAL": str(file)},
        "home": {"HOME": str(folder)},
        "xdg": {"HOME": "/nowhere", "XDG_CONFIG_HOME": str(folder)},
        "system": {"GIT_CONFIG_SYSTEM": str(file)},
    }
    set_all(monkeypatch, places[where])
    check(filled, tmp_path / "checkout")


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_of_the_worker_changes_nothing(
    filled: Origin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    set_all(monkeypatch, {name: VARIABLES[name].replace("{tmp}", str(folder))})
    check(filled, tmp_path / "checkout")


def test_attributes_beside_the_workers_configuration_change_nothing(
    filled: Origin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "git").mkdir()
    (folder / "attributes").rename(folder / "git/attributes")
    set_all(monkeypatch, {"XDG_CONFIG_HOME": str(folder)})
    check(filled, tmp_path / "checkout")


def test_settings_by_count_change_nothing(
    filled: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = {"GIT_CONFIG_KEY_8": "core.autocrlf", "GIT_CONFIG_VALUE_8": "true"}
    set_all(monkeypatch, pair | {"GIT_CONFIG_COUNT": "9"})
    check(filled, tmp_path / "checkout")


def test_a_repository_of_another_user_is_refused_whatever_the_worker_trusts(
    filled: Origin, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    (folder / "config").write_text("[safe]\n\tdirectory = *\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "config"))
    os.chown(filled.path, 65534, 65534)
    with pytest.raises(RefuseError, match="The Git repository belongs to another user") as caught:
        OpsRepository(url=filled.url).fetch(SHOP)
    assert caught.value.facts["got"] == str(filled.path)


@pytest.mark.parametrize("name", ["log.showSignature", "commit.gpgSign", "gpg.ssh"])
def test_a_signed_release_is_made_and_read_whatever_the_worker_has_for_signatures(
    filled: Origin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make = [have("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", ""]
    subprocess.run([*make, "-f", str(folder / "key")], check=True)
    programs = '[gpg "ssh"]\n\tprogram = false\n\tallowedSignersFile = /nowhere'
    settings = SETTINGS | {"gpg.ssh": f"{programs}\n[user]\n\tsigningKey = none"}
    (folder / "config").write_text(settings[name])
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "config"))
    found = work(filled, tmp_path / "checkout", (folder / "key").read_text())
    assert any(line.startswith("gpgsig ") for line in found.commit)
    assert (found.record, found.files) == (expected().record, expected().files)
