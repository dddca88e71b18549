"""The demo's repositories: the sample app and its ops folder, on the sandbox's Git server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock
from git import Actor, Repo
from git.exc import GitCommandError
from pydantic import SecretStr

from shipway.git.access import Access, git_environment

EXAMPLES = Path(__file__).parent
AUTHOR = Actor("Ada Example", "ada@example.org")
PUSHES = 20


def images(env: Mapping[str, str]) -> dict[str, str]:
    """The public images in the examples, and what stands for them on this machine."""
    return {
        "python:3.11-slim": env["SHIPWAY_PYTHON_IMAGE"],
        "postgres:15": env["SHIPWAY_POSTGRES_IMAGE"],
    }


def create(name: str, content: Path, replace: Mapping[str, str], env: Mapping[str, str]) -> Repo:
    """Make the repository `name` anew on the Git server, with the files of `content`.

    Returns:
        A clone of it, with one commit, pushed.
    """
    bare = Path(env["SHIPWAY_GIT_ROOT"]) / f"{name}.git"
    folder = Path(env["SHIPWAY_STATE"]) / "clones" / name
    for old in (bare, folder):
        shutil.rmtree(old, ignore_errors=True)
    Repo.init(bare, bare=True, initial_branch="main")
    repo = clone(name, folder, env)
    _add(repo, content, replace, "First version")
    return repo


def _add(repo: Repo, content: Path, replace: Mapping[str, str], message: str) -> None:
    """Commit the files of `content`, and push."""
    folder = Path(repo.working_dir)
    junk = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    shutil.copytree(content, folder, ignore=junk, dirs_exist_ok=True)
    for source in content.rglob("*.yaml"):
        file = folder / source.relative_to(content)
        text = file.read_text()
        for old, new in replace.items():
            text = text.replace(f": {old}\n", f": {new}\n")
        file.write_text(text)
    commit(repo, message, {})


def clone(name: str, folder: Path, env: Mapping[str, str]) -> Repo:
    """Clone the repository `name` of the Git server."""
    return Repo.clone_from(f"{env['SHIPWAY_GIT_URL']}/{name}.git", folder, env=git_login(env))


def git_login(env: Mapping[str, str]) -> dict[str, str]:
    """The environment in which `git` gets into the sandbox's Git server."""
    password = SecretStr(env["SHIPWAY_GIT_PASSWORD"])
    access = Access(username=env["SHIPWAY_GIT_USERNAME"], password=password)
    # A password needs no file.
    return git_environment(access, Path("/nowhere"))


def commit(repo: Repo, message: str, changes: Mapping[str, str]) -> str:
    """Write files, commit and push; return the commit id."""
    for name, text in changes.items():
        path = Path(repo.working_dir, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    repo.git.add("--all")
    repo.index.commit(message, author=AUTHOR, committer=AUTHOR)
    return push(repo)


def push(repo: Repo) -> str:
    """Push on top of what others pushed; return the commit id."""
    for _ in range(PUSHES):
        try:
            repo.git.push("origin", "HEAD:main")
        except GitCommandError:
            # Others push to the ops repository too.
            repo.git.pull("--rebase", "origin", "main")
        else:
            break
    else:
        repo.git.push("origin", "HEAD:main")
    return repo.head.commit.hexsha


def shop(env: Mapping[str, str] = os.environ) -> tuple[Repo, Repo]:
    """The shop's app and ops repositories: as they are on the Git server, made if missing."""
    with FileLock(Path(env["SHIPWAY_STATE"], "shop.lock")):
        ops = _have("shop-ops", env, name="ops")
        # An app of somebody's own may have been there first.
        if not Path(ops.working_dir, "staging", "shop").exists():
            _add(ops, EXAMPLES / "shop-ops", images(env), "The shop")
        return _have("shop", env), ops


def _have(content: str, env: Mapping[str, str], name: str | None = None) -> Repo:
    name = name or content
    if not Path(env["SHIPWAY_GIT_ROOT"], f"{name}.git").exists():
        return create(name, EXAMPLES / content, images(env), env)
    folder = Path(env["SHIPWAY_STATE"]) / "clones" / name
    shutil.rmtree(folder, ignore_errors=True)
    return clone(name, folder, env)
