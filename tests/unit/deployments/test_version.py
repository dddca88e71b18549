from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from git import Repo

from deployments.version import read_version

RELEASED = version("shipway")


def test_a_checkout_has_its_commit_and_whether_a_file_has_changed_since(tmp_path: Path) -> None:
    repo, file = Repo.init(tmp_path), tmp_path / "flow.py"
    file.write_text("1")
    repo.index.add("flow.py")
    commit = repo.index.commit("First").hexsha[:7]
    repo.create_tag("v9")
    assert read_version(tmp_path) == {"version": f"{RELEASED}+{commit}"}
    file.write_text("2")
    assert read_version(tmp_path) == {"version": f"{RELEASED}+{commit}.dirty"}


def test_a_package_has_no_commit_though_it_lies_in_a_checkout(tmp_path: Path) -> None:
    Repo.init(tmp_path).index.commit("Not of Shipway")
    package = tmp_path / ".venv"
    package.mkdir()
    assert read_version(package) == {"version": RELEASED}


def test_a_checkout_that_git_cannot_read_has_no_commit(tmp_path: Path) -> None:
    Repo.init(tmp_path)
    assert read_version(tmp_path) == {"version": RELEASED}


def test_an_image_tells_the_commit_that_it_was_built_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_REVISION", "3f2c1ab9" * 5)
    assert read_version(tmp_path) == {"version": f"{RELEASED}+3f2c1ab"}


def test_a_checkouts_own_commit_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_REVISION", "3f2c1ab9" * 5)
    commit = Repo.init(tmp_path).index.commit("First").hexsha[:7]
    assert read_version(tmp_path) == {"version": f"{RELEASED}+{commit}"}
