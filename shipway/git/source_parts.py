"""Parts of a revision: files and folders by path, and what of them no commit holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipway.git.mirror import Mirror
from shipway.text import readable

_SUBMODULE = "160000"
_POINTER = b"version https://git-lfs"
_POINTERS = "^version https://git-lfs.github.com/spec/v1$"
_NAMED = 10


def ids_of(mirror: Mirror, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """Git's ids of files and folders of a commit, by path, as far as they are there."""
    asked = list(dict.fromkeys(paths))
    lines = "".join(f"{commit}:{'' if path == '.' else path}\n" for path in asked)
    told = mirror.run("cat-file", "--batch-check=%(objectname)", stdin=lines.encode()).decode()
    answers = zip(asked, told.splitlines(), strict=True)
    return {path: oid for path, oid in answers if not oid.endswith(" missing")}


def differing(mirror: Mirror, before: str, after: str, paths: Sequence[str]) -> frozenset[str]:
    """The paths at which two commits differ."""
    old, new = ids_of(mirror, before, paths), ids_of(mirror, after, paths)
    return frozenset(path for path in paths if old.get(path) != new.get(path))


def content_elsewhere(mirror: Mirror, oid: str) -> tuple[str, str, str] | None:
    """What of a file or a folder is not in the commit: what it is, where, and the way out of it."""
    if mirror.run("cat-file", "-t", oid).decode().strip() == "blob":
        modules, pointers = [], ["the file itself"] if _is_pointer(mirror, oid) else []
    else:
        modules, pointers = _below(mirror, oid)
    for what, names, remedy in (
        ("a submodule", modules, "vendor it (git subtree), or make it a dependency"),
        ("a Git LFS pointer", pointers, "take it out of LFS: `git lfs migrate export`"),
    ):
        if names:
            return what, ", ".join(map(readable, names[:_NAMED])), remedy
    return None


def _below(mirror: Mirror, tree: str) -> tuple[list[str], list[str]]:
    """The submodules and the pointers into Git LFS of a folder."""
    listing = mirror.run("ls-tree", "-r", "-z", tree).decode("utf-8", "surrogateescape")
    entries = [entry.split("\t", 1) for entry in listing.split("\0")[:-1]]
    modules = [name for facts, name in entries if facts.startswith(_SUBMODULE)]
    if all(name.split("/")[-1] != ".gitattributes" for _, name in entries):
        return modules, []
    found = mirror.try_run("grep", "-lIz", "--max-depth=-1", "-e", _POINTERS, tree)
    names = [name.split(":", 1)[1] for name in (found or "").split("\0") if name]
    # Text about LFS is no pointer; a pointer begins with this line.
    return modules, [name for name in names if _is_pointer(mirror, f"{tree}:{name}")]


def _is_pointer(mirror: Mirror, blob: str) -> bool:
    return mirror.run("cat-file", "blob", blob).startswith(_POINTER)
