"""Git over http with a password, against the real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from git import Repo
from pydantic import SecretStr

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from examples import repositories
from shipway.errors import RefuseError, RetryError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal, Propose
from tests.support.app_environments import SHOP


def proposing(content: bytes) -> Propose:
    """A proposal of one file, whatever the tip."""

    def propose(folder: OpsFolder, history: History) -> Proposal:
        assert history.commits == []
        return Proposal(changes={f"{folder.path}/rollout.yaml": content}, message="release")

    return propose


def login(env: dict[str, str], password: str | None = None) -> dict[str, object]:
    return {
        "username": env["SHIPWAY_GIT_USERNAME"],
        "password": SecretStr(password or env["SHIPWAY_GIT_PASSWORD"]),
    }


def test_code_is_read_with_a_password(code: Repo, sandbox: dict[str, str]) -> None:
    source = SourceRepository(url=code.remote().url, **login(sandbox))
    assert source.resolve("main").commit == code.head.commit.hexsha


def test_a_release_is_pushed_with_a_password(code: Repo, sandbox: dict[str, str]) -> None:
    ops = OpsRepository(url=code.remote().url, **login(sandbox))
    commit = ops.commit(SHOP, proposing(b"strategy: other\n")).commit
    bare = Repo(Path(sandbox["SHIPWAY_GIT_ROOT"], Path(code.remote().url).name))
    assert bare.head.commit.hexsha == commit
    assert ops.fetch(SHOP).files["rollout.yaml"] == b"strategy: other\n"


def test_the_password_stands_in_no_file_of_the_mirror(
    code: Repo, sandbox: dict[str, str], tmp_path: Path
) -> None:
    OpsRepository(url=code.remote().url, **login(sandbox)).fetch(SHOP)
    files = [file for file in (tmp_path / "state").rglob("*") if file.is_file()]
    assert files
    secret = sandbox["SHIPWAY_GIT_PASSWORD"].encode()
    assert [file for file in files if secret in file.read_bytes()] == []


def test_a_wrong_password_is_refused_and_not_shown(code: Repo, sandbox: dict[str, str]) -> None:
    source = SourceRepository(url=code.remote().url, **login(sandbox, "wrong-secret"))
    with pytest.raises(RefuseError) as caught:
        source.resolve("main")
    assert caught.value.what == "Git was denied access while fetching the app's code."
    assert "wrong-secret" not in str(caught.value)


def test_no_password_is_refused_and_asks_nobody(code: Repo) -> None:
    with pytest.raises(RefuseError):
        SourceRepository(url=code.remote().url).resolve("main")


def test_a_repository_that_is_not_there_is_refused(sandbox: dict[str, str], code: Repo) -> None:
    url = f"{sandbox['SHIPWAY_GIT_URL']}/none.git"
    with pytest.raises(RefuseError, match="There is no Git repository there"):
        OpsRepository(url=url, **login(sandbox)).fetch(SHOP)


def test_a_server_that_is_not_there_is_tried_again(code: Repo, free_port: int) -> None:
    with pytest.raises(RetryError, match="The Git server cannot be reached"):
        SourceRepository(url=f"http://127.0.0.1:{free_port}/x.git").resolve("main")


def test_a_push_that_lost_the_race_starts_afresh(code: Repo, sandbox: dict[str, str]) -> None:
    ops = OpsRepository(url=code.remote().url, **login(sandbox))
    theirs: list[str] = []

    def propose(folder: OpsFolder, history: History) -> Proposal:
        if not theirs:
            theirs.append(repositories.commit(code, "theirs", {"prod/other/a.yaml": "a: 1\n"}))
        return proposing(b"x: 1\n")(folder, history)

    landed = ops.commit(SHOP, propose)
    bare = Repo(Path(sandbox["SHIPWAY_GIT_ROOT"], Path(code.remote().url).name))
    assert [one.hexsha for one in bare.commit(landed.commit).parents] == theirs
