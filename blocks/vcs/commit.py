"""A commit on Git objects: no work tree, and only the blobs that change."""

from __future__ import annotations

from collections.abc import Mapping
from tempfile import TemporaryFile

from git import Repo
from pydantic import BaseModel, ConfigDict

from blocks.errors import Refuse


class Author(BaseModel):
    """Who a commit is by."""

    model_config = ConfigDict(frozen=True)

    name: str
    email: str


def read_files(repo: Repo, commit: str, folder: str) -> dict[str, bytes]:
    """The regular files directly in `folder` at `commit`, by name; empty where it is missing.

    Raises:
        Refuse: One of the folder's entries is a symlink or a submodule.
    """
    files: dict[str, bytes] = {}
    for mode, kind, oid, name in _entries(repo, f"{commit}:{folder}"):
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
    """
    tree = str(repo.git.rev_parse(f"{parent}^{{tree}}"))
    for path, content in changes.items():
        blob = _input(repo, content, "hash-object", "-w", "--stdin")
        tree = _replace(repo, tree, path.split("/"), blob)
    environment = {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        "GIT_COMMITTER_NAME": author.name,
        "GIT_COMMITTER_EMAIL": author.email,
    }
    with repo.git.custom_environment(**environment):
        return _input(repo, message.encode(), "commit-tree", tree, "-p", parent, "-F", "-")


def _replace(repo: Repo, tree: str, path: list[str], blob: str) -> str:
    name, *rest = path
    lines: list[bytes] = []
    for mode, kind, oid, entry in _entries(repo, tree):
        if entry == name:
            oid = _replace(repo, oid, rest, blob) if rest else blob
        lines.append(f"{mode} {kind} {oid}\t".encode() + entry.encode("utf-8", "surrogateescape"))
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
