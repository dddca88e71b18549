"""A commit on Git objects: no work tree, and only the blobs that change."""

from __future__ import annotations

from collections.abc import Mapping
from tempfile import TemporaryFile

from git import Repo
from pydantic import BaseModel, ConfigDict

from blocks.errors import Fail, Refuse


class Author(BaseModel):
    """Who a commit is by."""

    model_config = ConfigDict(frozen=True)

    name: str
    email: str


def tree_of(repo: Repo, commit: str, folder: str) -> str | None:
    """The tree id of a folder, "." for the root; None where there is no such folder."""
    status, tree, _ = repo.git.rev_parse(
        "--verify",
        "--quiet",
        f"{commit}:{'' if folder == '.' else folder}",
        with_extended_output=True,
        with_exceptions=False,
    )
    return tree if status == 0 and repo.git.cat_file("-t", tree) == "tree" else None


def read_files(repo: Repo, commit: str, folder: str) -> dict[str, bytes]:
    """The regular files directly in `folder` at `commit`, by name; empty where it is missing.

    Raises:
        Refuse: One of the folder's entries is a symlink or a submodule.
    """
    files: dict[str, bytes] = {}
    tree = tree_of(repo, commit, folder)
    for mode, kind, oid, name in _entries(repo, tree) if tree else ():
        if kind == "tree":
            continue
        if mode not in {"100644", "100755"}:
            raise Refuse(
                "An ops folder holds something that is no plain file.",
                where=f"{folder}/{name}",
                expected="files with mode 100644 or 100755",
                got=f"mode {mode}",
            )
        files[name] = _output(repo, "cat-file", "blob", oid)
    return files


def commit_files(
    repo: Repo, parent: str, changes: Mapping[str, bytes], message: str, author: Author
) -> str:
    """Write a commit on top of `parent` that replaces existing files, and return its id.

    Only the trees on the way to a changed file are read, so the size of the rest does not matter.

    Raises:
        Fail: There is no such file at `parent`.
    """
    tree = str(repo.git.rev_parse(f"{parent}^{{tree}}"))
    for path, content in changes.items():
        blob = _input(repo, content, "hash-object", "-w", "--stdin")
        try:
            tree = _replace(repo, tree, path.split("/"), blob)
        except KeyError as error:
            raise Fail(
                "The file to change is not in the repository.",
                where=f"{path} at {parent[:7]}",
                untouched="the repository",
            ) from error
    environment = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_COMMITTER_NAME": author.name,
        "GIT_COMMITTER_EMAIL": author.email,
    }
    with repo.git.custom_environment(**environment):
        return _input(repo, message.encode(), "commit-tree", tree, "-p", parent, "-F", "-")


def _replace(repo: Repo, tree: str, path: list[str], blob: str) -> str:
    """The tree with another blob at `path`; KeyError where there is no file."""
    name, *rest = path
    entries = {entry: facts for *facts, entry in _entries(repo, tree)}
    mode, kind, oid = entries[name]
    if kind != ("tree" if rest else "blob"):
        raise KeyError(name)
    entries[name] = [mode, kind, _replace(repo, oid, rest, blob) if rest else blob]
    lines = [
        " ".join(facts).encode() + b"\t" + entry.encode("utf-8", "surrogateescape")
        for entry, facts in entries.items()
    ]
    return _input(repo, b"\0".join(lines) + b"\0", "mktree", "-z", "--missing")


def _entries(repo: Repo, tree: str) -> list[tuple[str, str, str, str]]:
    listing = _output(repo, "ls-tree", "-z", tree)
    entries: list[tuple[str, str, str, str]] = []
    for line in listing.split(b"\0")[:-1]:
        facts, name = line.split(b"\t", 1)
        mode, kind, oid = facts.decode().split(" ")
        entries.append((mode, kind, oid, name.decode("utf-8", "surrogateescape")))
    return entries


def _output(repo: Repo, *command: str) -> bytes:
    return repo.git.execute(
        ["git", *command], stdout_as_string=False, strip_newline_in_stdout=False
    )


def _input(repo: Repo, content: bytes, *command: str) -> str:
    with TemporaryFile() as stream:
        stream.write(content)
        stream.seek(0)
        return str(repo.git.execute(["git", *command], istream=stream)).strip()
