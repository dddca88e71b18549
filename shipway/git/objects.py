"""Git's objects as bytes: what they hold, and the ids that these bytes have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

_KINDS = {"040000": "tree", "160000": "commit"}
# What Git strips off both ends of a name, and what it leaves out of one.
CRUD = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
_NEVER = re.compile(r"[\n<>]")
_ROOT = re.compile(rb"tree ([0-9a-f]{40,64})\n")


class Entry(NamedTuple):
    """One line of a tree: `name` as people read it, `raw` as it is in there."""

    mode: str
    kind: str
    oid: str
    name: str
    raw: bytes


def object_id(kind: str, content: bytes, digits: int) -> str:
    """The id of an object.

    Args:
        kind: Such as `blob`.
        content: Its content.
        digits: How long the repository's ids are: 40 for SHA-1, 64 for SHA-256.
    """
    digest = hashlib.new("sha1" if digits == 40 else "sha256", usedforsecurity=False)
    digest.update(object_head(kind, content))
    digest.update(content)
    return digest.hexdigest()


def object_head(kind: str, content: bytes) -> bytes:
    """What stands before an object's content, for its id and in a file."""
    return f"{kind} {len(content)}\0".encode()


def root_of(commit: bytes) -> str | None:
    """The tree of a commit; None where the text is no commit."""
    found = _ROOT.match(commit)
    return found[1].decode() if found else None


def entries_of(tree: bytes, digits: int) -> Iterator[Entry]:
    """The entries of a tree, whose ids have so many digits."""
    start = 0
    while start < len(tree):
        # Mode, space, name, zero byte, binary id; and the next.
        end = tree.index(b"\0", start)
        mode, _, name = tree[start:end].partition(b" ")
        start = end + 1 + digits // 2
        padded = mode.decode().zfill(6)
        yield Entry(
            mode=padded,
            kind=_KINDS.get(padded, "blob"),
            oid=tree[end + 1 : start].hex(),
            # Text that every log and every JSON document takes.
            name=name.decode("utf-8", "backslashreplace"),
            raw=name,
        )


def tree_text(entries: Iterable[Entry]) -> bytes:
    """The tree of these entries, in whatever order they come."""
    # A folder stands where its name with a slash would.
    ordered = sorted(entries, key=lambda one: one.raw + (b"/" if one.kind == "tree" else b""))
    return b"".join(
        one.mode.lstrip("0").encode() + b" " + one.raw + b"\0" + bytes.fromhex(one.oid)
        for one in ordered
    )


def commit_text(
    tree: str, parent: str, *, name: str, email: str, at: datetime, message: str
) -> bytes:
    """A commit, as `git commit-tree` makes it.

    Args:
        tree: What it holds.
        parent: The commit before it.
        name: Author and committer; something is left of it without `CRUD`.
        email: Their address.
        at: When they made it, in their time zone.
        message: The message, to the byte.
    """
    name, email = (_NEVER.sub("", text.strip(CRUD)) for text in (name, email))
    # Of a zone, Git knows hours and minutes.
    zone = f"{at:%z}"[:5]
    person = f"{name} <{email}> {int(at.timestamp())} {zone}"
    lines = (f"tree {tree}", f"parent {parent}", f"author {person}", f"committer {person}")
    return ("\n".join(lines) + f"\n\n{message}").encode()
