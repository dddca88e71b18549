"""A commit on Git objects: no work tree, and only the trees and blobs that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, SecretStr

from shipway.errors import FailError, RefuseError
from shipway.git.mirror import Mirror
from shipway.git.objects import Entry, commit_text, tree_text
from shipway.git.signing import Signing, signed

_FILE = "100644"


class Author(BaseModel):
    """Who a commit is by, and the key that proves it."""

    model_config = ConfigDict(frozen=True)

    name: str
    email: str
    signing: Signing | None = None
    key: SecretStr | None = None


def tree_of(mirror: Mirror, commit: str, folder: str) -> str | None:
    """The tree id of a folder, "." for the root; None where there is no such folder."""
    oid = mirror.root(commit)
    for name in () if folder == "." else folder.split("/"):
        found = {entry.name: entry for entry in mirror.tree(oid)}.get(name)
        if found is None or found.kind != "tree":
            return None
        oid = found.oid
    return oid


def read_files(mirror: Mirror, commit: str, folder: str) -> dict[str, bytes]:
    """The regular files directly in `folder` at `commit`, by name; empty where it is missing.

    Raises:
        RefuseError: One of the folder's entries is a symlink or a submodule.
    """
    tree = tree_of(mirror, commit, folder)
    entries = [entry for entry in mirror.tree(tree) if entry.kind != "tree"] if tree else []
    for entry in entries:
        _check_plain(f"{folder}/{entry.name}", entry.mode)
    contents = mirror.blobs([entry.oid for entry in entries])
    return {entry.name: content for entry, content in zip(entries, contents, strict=True)}


def read_file(mirror: Mirror, commit: str, folder: str, name: str) -> bytes | None:
    """A regular file directly in `folder` at `commit`; None where there is none of that name.

    Raises:
        RefuseError: It is a symlink or a submodule.
    """
    tree = tree_of(mirror, commit, folder)
    entry = next((one for one in mirror.tree(tree) if one.name == name), None) if tree else None
    if entry is None or entry.kind == "tree":
        return None
    _check_plain(f"{folder}/{name}", entry.mode)
    return mirror.blobs([entry.oid])[0]


def read_below(mirror: Mirror, commit: str, folder: str) -> dict[str, bytes]:
    """Every regular file in `folder` and below it at `commit`, by its path in the repository.

    Raises:
        RefuseError: There is no such folder, or it holds a symlink or a submodule.
    """
    tree = tree_of(mirror, commit, folder)
    if tree is None:
        raise RefuseError(
            "A folder that the manifests are rendered from is not there.",
            where=f"ops repository at {commit[:7]}",
            expected=f"a folder {folder}",
            untouched="the cluster",
        )
    found, level = dict[str, str](), [(folder, tree)]
    while level:
        trees = mirror.trees(oid for _, oid in level)
        entries = [(f"{path}/{one.name}", one) for path, oid in level for one in trees[oid]]
        level = [(path, one.oid) for path, one in entries if one.kind == "tree"]
        for path, one in entries:
            if one.kind != "tree":
                _check_plain(path, one.mode)
                found[path] = one.oid
    return dict(zip(found, mirror.blobs(list(found.values())), strict=True))


def _check_plain(path: str, mode: str) -> None:
    if mode not in {_FILE, "100755"}:
        raise RefuseError(
            "An ops folder holds something that is no plain file.",
            where=path,
            expected=f"files with mode {_FILE} or 100755",
            got=f"mode {mode}",
        )


def commit_files(
    mirror: Mirror,
    parent: str,
    changes: Mapping[str, bytes | None],
    message: str,
    author: Author,
) -> str:
    """Write a commit on top of `parent`, and return its id.

    Only the trees on the way to a changed file are read and written, each once, so the size of the
    rest does not matter.

    Args:
        mirror: The repository.
        parent: The commit to build on.
        changes: New content by path; None takes a file away, or a folder with all that is in it.
            The folder around it must be there.
        message: The commit message, without a zero byte.
        author: Author and committer.

    Raises:
        FailError: A path leads through something that is no folder, or the message is none.
        RefuseError: It cannot be signed.
    """
    if "\0" in message:
        raise FailError(
            "A commit message cannot hold a zero byte.",
            got=repr(message),
            untouched="the repository",
        )
    tree = _tree_with(mirror, parent, changes)
    name, email = author.name, author.email
    if author.signing is None or author.key is None:
        at = datetime.now(UTC).astimezone()
        text = commit_text(tree, parent, name=name, email=email, at=at, message=message)
        return mirror.write("commit", text, len(parent))
    who = {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": email,
    }
    with signed(author.signing, author.key) as (options, more):
        command = ("commit-tree", *options, tree, "-p", parent, "-F", "-")
        written = mirror.run(*command, stdin=message.encode(), environment=who | more)
    return written.decode().strip()


def _tree_with(mirror: Mirror, commit: str, changes: Mapping[str, bytes | None]) -> str:
    """Write the tree of a commit with other files, and return its id."""
    blobs = {
        tuple(path.split("/")): None if text is None else mirror.write("blob", text, len(commit))
        for path, text in changes.items()
    }
    try:
        return _changed(mirror, mirror.root(commit), blobs)
    except KeyError as error:
        missing: str = error.args[0]
        path = next(path for path in changes if f"{path}/".startswith(f"{missing}/"))
        raise FailError(
            "The path to the file is not in the repository.",
            where=f"{path} at {commit[:7]}",
            expected="a folder of plain files",
            got=f"no folder {missing.rpartition('/')[2]!r}",
            untouched="the repository",
        ) from error


def _changed(
    mirror: Mirror, tree: str, blobs: Mapping[tuple[str, ...], str | None], folder: str = ""
) -> str:
    """Write a tree with other blobs at some paths, or without them, and return its id.

    Raises:
        KeyError: There is no such folder on the way to one of them; its argument is the path.
    """
    below = dict[str, dict[tuple[str, ...], str | None]]()
    for (name, *rest), blob in blobs.items():
        below.setdefault(name, {})[tuple(rest)] = blob
    entries = {entry.raw: entry for entry in mirror.tree(tree)}
    for name, inner in below.items():
        path = f"{folder}{name}"
        there = next((entry for entry in entries.values() if entry.name == name), None)
        raw = there.raw if there else name.encode()
        if () not in inner:
            if there is None or there.kind != "tree":
                raise KeyError(path)
            oid = _changed(mirror, there.oid, inner, f"{path}/")
            entries[raw] = there._replace(oid=oid)
            # Git knows no empty folder.
            if not mirror.tree(oid):
                del entries[raw]
        elif len(inner) > 1:
            raise KeyError(path)
        elif (blob := inner[()]) is None:
            entries.pop(raw, None)
        elif there is not None and there.kind != "blob":
            raise KeyError(path)
        else:
            entries[raw] = Entry(there.mode if there else _FILE, "blob", blob, name, raw)
    return mirror.write("tree", tree_text(entries.values()), len(tree))
