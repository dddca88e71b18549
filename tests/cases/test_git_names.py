"""Names that Git allows, and text that is no name.

Each input is the name of a branch or a tag, or what Git could take for an option or an expression.
"""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError
from shipway.git.access import check_ref
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.source_repository import SourceRepository
from tests.support.origin import Origin

SHOP = AppEnvironment(environment="prod", app="shop")
# The first ones from reports to Argo CD, Flux, Jenkins and GitLab, whose tools refused them.
NAMES = [
    "fix/#123-foo",
    "feature/a=b",
    "a,b",
    "feat/100%",
    "user/o'neil",
    "x(y)",
    "renovate/@types/node",
    "dependabot/npm_and_yarn/lodash-4.17.21+build",
    "release/1.0-rc!",
    "a&b;c|d",
    "$HOME",
    "`id`",
    'say"hi"',
    "<angle>",
    "{brace}",
    "a@b",
    "@a",
    "v1-3-gabcdef0",
    "deadbeef",
    "1234567",
    "\u00fcber/\u65e5\u672c",
    "emoji-\U0001f680",
    "refs/heads/x",
    "heads/x",
    "FETCH_HEAD",
    "origin",
    "+plus",
    "_a",
    "]x",
    "a.b.c",
    "a-",
]
NO_NAMES = [
    "",
    "-x",
    "--all",
    "--upload-pack=touch x",
    "a b",
    "a..b",
    "a...b",
    "a~1",
    "a^",
    "^a",
    "a:b",
    ":path",
    ":/text",
    "a@{1}",
    "@{-1}",
    "@{u}",
    "@",
    "/a",
    "a/",
    "a//b",
    ".a",
    "a/.b",
    "a.",
    "a.lock",
    "a.lock/b",
    "a*",
    "a?",
    "a[b]",
    "a\n",
    "a\tb",
    "a\0b",
    "a\x7f",
    "a\\b",
    "\ud800",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_branch_of_any_name_that_git_allows_is_released(origin: Origin, name: str) -> None:
    commit = origin.commit({"prod/shop/web.yaml": b"a\n"})
    origin.bare.git.update_ref(f"refs/heads/{name}", commit)
    origin.commit({"prod/shop/web.yaml": b"b\n"})
    source = SourceRepository(url=origin.url)
    assert source.resolve(name).commit == commit
    assert SourceRepository(url=origin.url, default_branch=name).resolve(None).commit == commit
    ops = OpsRepository(url=origin.url, branch=name)

    def propose(there: OpsFolder, _history: History) -> Proposal:
        return Proposal(changes={f"{there.path}/web.yaml": b"c\n"}, message="release")

    landed = ops.commit(SHOP, propose)
    assert origin.tip(name) == landed.commit
    assert ops.fetch(SHOP).files == {"web.yaml": b"c\n"}


@pytest.mark.parametrize("name", NAMES)
def test_a_tag_of_any_name_that_git_allows_is_released(origin: Origin, name: str) -> None:
    commit = origin.commit({"a": b"a\n"})
    origin.bare.git.update_ref(f"refs/tags/{name}", commit)
    origin.commit({"a": b"b\n"})
    assert SourceRepository(url=origin.url).resolve(name).commit == commit


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_could_be_an_option_or_an_expression_is_refused(origin: Origin, name: str) -> None:
    origin.commit({"prod/shop/web.yaml": b"a\n"})
    with pytest.raises(RefuseError, match="Not a revision"):
        check_ref(name)
    if name:
        with pytest.raises(RefuseError, match="Not a revision"):
            SourceRepository(url=origin.url).resolve(name)
    with pytest.raises(RefuseError, match="Not a revision"):
        OpsRepository(url=origin.url, branch=name).fetch(SHOP)


@pytest.mark.parametrize(
    "name", ["FETCH_HEAD", "ORIG_HEAD", "main-0-g{short}", "refs", "heads", "config", "offline"]
)
def test_what_only_git_itself_knows_is_no_revision(origin: Origin, name: str) -> None:
    commit = origin.commit({"a": b"a\n"})
    source = SourceRepository(url=origin.url)
    source.resolve("main")
    with pytest.raises(RefuseError, match="There is no revision"):
        source.resolve(name.format(short=commit[:7]))


@pytest.mark.parametrize("name", ["refs/heads/main", "heads/main", "refs/tags/v1", "tags/v1"])
def test_the_whole_name_of_a_branch_or_a_tag_is_known(origin: Origin, name: str) -> None:
    commit = origin.commit({"a": b"a\n"})
    origin.bare.git.tag("v1")
    assert SourceRepository(url=origin.url).resolve(name).commit == commit


@pytest.mark.parametrize("branch", ["main", "trunk", "fix/#1", "\u00fcber"])
@pytest.mark.parametrize("how", ["parameter", "block"])
def test_head_is_the_servers(origin: Origin, branch: str, how: str) -> None:
    commit = origin.commit({"a": b"a\n"})
    origin.bare.git.update_ref(f"refs/heads/{branch}", commit)
    origin.commit({"a": b"b\n"}) if branch != "main" else None
    origin.bare.git.symbolic_ref("HEAD", f"refs/heads/{branch}")
    block, parameter = ("main", "HEAD") if how == "parameter" else ("HEAD", None)
    source = SourceRepository(url=origin.url, default_branch=block)
    assert source.resolve(parameter).commit == commit


def test_head_can_be_a_commit(origin: Origin) -> None:
    first = origin.commit({"a": b"a\n"})
    origin.commit({"a": b"b\n"})
    (origin.path / "HEAD").write_text(f"{first}\n")
    assert SourceRepository(url=origin.url).resolve("HEAD").commit == first
    assert SourceRepository(url=origin.url).resolve(None).commit == first


@given(st.text(st.sampled_from("aH/.@{}-~^:?*[\\ \x01\x7f\u00fc#=lock"), max_size=9))
def test_the_rules_are_those_of_git(name: str) -> None:
    command = ["git", "check-ref-format", f"refs/heads/{name}"]
    allowed = subprocess.run(command, check=False).returncode == 0
    try:
        taken = check_ref(name) == name
    except RefuseError:
        taken = False
    # Git would take `-x` for an option, and `@` for HEAD.
    assert taken == (allowed and not name.startswith("-") and name != "@")
