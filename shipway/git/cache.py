"""The folder that a remote is fetched into: made, mended, and made anew where it is broken.

It holds nothing that the remote does not hold, so that whatever cannot be explained is first put
down to the cache: the call begins again without it, and fails for good only if that changes
nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from shipway.errors import FailError, RetryError, ShipwayError
from shipway.git.access import Access, explain, git_environment
from shipway.git.command import CommandError, Git, run_git
from shipway.git.lock import locked, not_ours
from shipway.temporary_folder import temporary_folder

# A repository in the repository that knows no remote: in it, Git reads the objects that are here
# and fetches none.
OFFLINE = "offline"
# The last thing that is made: where it is, the rest is there. It names this one cache.
_MADE = "made-2"
# A mark of a cache that is fetched without filters.
_WHOLE = "whole"
_STALE_SECONDS = 5
# Of the versions before 2.45, the first ones that know GIT_NO_LAZY_FETCH.
_NO_LAZY_FETCH = {(2, 39): 4, (2, 40): 2, (2, 41): 1, (2, 42): 2, (2, 43): 4, (2, 44): 1}
_POLL_SECONDS = 0.1


class Remote(NamedTuple):
    """A remote, and the folder of its cache."""

    folder: Path
    url: str
    access: Access
    timeout_seconds: float


class BrokenCacheError(Exception):
    """A command failed, and the cache may be at fault.

    Args:
        reason: What is raised where a cache that is made anew changes nothing.
        made: Which cache it was.
        filters: Whether filters were used.
    """

    def __init__(self, reason: ShipwayError, made: str, *, filters: bool) -> None:
        super().__init__(str(reason))
        self.reason, self.made, self.filters = reason, made, filters


@contextmanager
def open_cache(remote: Remote) -> Generator[Git]:
    """Git in the bare repository whose remote `origin` is the remote; made if it is not there.

    Keys are files only while it is open, in a folder that nobody else can read.

    Raises:
        RetryError: Another process does not let go of it in time.
        RefuseError: It cannot be written, because another user made it.
    """
    while True:
        with _turn(remote, shared=True):
            if made_of(remote.folder):
                # When it was used last.
                os.utime(remote.folder)
                with _private_environment(remote) as environment:
                    yield Git(remote.folder, environment)
                return
        with _turn(remote):
            if not made_of(remote.folder):
                _make(remote)


def made_of(folder: Path) -> str:
    """What names the cache; empty where it is not there, not whole, or another user's."""
    try:
        ours = folder.stat().st_uid == os.geteuid() and not folder.is_symlink()
        whole = (folder / "HEAD").stat().st_size and (folder / OFFLINE / "HEAD").stat().st_size
        return (folder / _MADE).read_text("utf-8") if ours and whole else ""
    except OSError:
        return ""


def remove_cache(folder: Path) -> bool:
    """Remove a cache that nobody uses this moment; whether it is gone.

    Args:
        folder: The cache, or what is left of a broken one.

    Raises:
        RefuseError: It belongs to another user.
    """
    try:
        with locked(Path(f"{folder}.lock"), timeout_seconds=0):
            _take_away(folder)
    except RetryError:
        return False
    except PermissionError as error:
        raise not_ours(folder) from error
    return True


def has_filters(folder: Path) -> bool:
    """Whether the cache is fetched with filters: not where the server takes none, or is shallow."""
    return not (folder / _WHOLE).exists() and not is_shallow(folder) and _can_do_without_objects()


def is_shallow(folder: Path) -> bool:
    """Whether commits are missing, as in a repository that was cloned with `--depth`."""
    try:
        return (folder / "shallow").stat().st_size > 0
    except OSError:
        return False


def mends(remote: Remote) -> Iterable[Callable[[BrokenCacheError], bool]]:
    """What can be done about a broken cache, the cheapest first; each says whether it did it."""
    return (
        lambda error: _drop_locks(remote, error),
        lambda error: _renew(remote, error),
        lambda error: error.filters and _renew(remote, error, whole=True),
    )


def _drop_locks(remote: Remote, error: BrokenCacheError) -> bool:
    """Remove the locks that a dead process left; those of a living one are waited for."""
    with _turn(remote):
        if made_of(remote.folder) != error.made:
            return True
        locks = [*remote.folder.rglob("*.lock")]
        deadline = time.monotonic() + remote.timeout_seconds
        while any(map(_is_held, locks)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        for lock in locks:
            lock.unlink(missing_ok=True)
        return bool(locks)


def _renew(remote: Remote, error: BrokenCacheError, *, whole: bool = False) -> bool:
    """Make the cache anew, unless somebody else has."""
    with _turn(remote):
        if made_of(remote.folder) in {error.made, ""} or whole:
            _make(remote, _object_format(remote), whole=whole)
        return True


def _make(remote: Remote, object_format: str = "sha1", *, whole: bool = False) -> None:
    folder = remote.folder
    git = partial(run_git, Git(folder, {"GIT_DIR": str(folder)}))
    init = ("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}")
    try:
        _take_away(folder)
        folder.mkdir(parents=True)
        git(*init)
        git(*init, OFFLINE)
        if whole:
            (folder / _WHOLE).touch()
        (folder / _MADE).write_text(uuid4().hex, "utf-8")
    except PermissionError as error:
        raise not_ours(folder) from error
    except (OSError, CommandError) as error:
        raise FailError(
            "The Git cache cannot be made.",
            where=str(folder),
            got=error.stderr if isinstance(error, CommandError) else str(error),
            untouched="everything",
            remedy="see to room on the disk, or set SHIPWAY_STATE to another folder",
        ) from error


def _take_away(folder: Path) -> None:
    """Remove the cache, and what is left of earlier ones; a link is removed, not what it means."""
    if folder.is_symlink() or folder.exists():
        # At once, so that nobody finds half of it.
        folder.rename(folder.with_name(f"{folder.name}.broken-{uuid4().hex}"))
    for broken in folder.parent.glob(f"{folder.name}.broken-*"):
        if broken.is_symlink() or broken.is_file():
            broken.unlink()
        else:
            shutil.rmtree(broken, ignore_errors=True)


def _object_format(remote: Remote) -> str:
    """How the remote counts its objects, by the length of their ids."""
    with _private_environment(remote) as environment, temporary_folder("nowhere") as nowhere:
        # Outside of any repository, which would expect ids of its own kind.
        git = Git(nowhere, {**environment, "GIT_DIR": str(nowhere)})
        names = ("HEAD", "refs/heads/*")
        try:
            listed = run_git(
                git, "ls-remote", remote.url, *names, timeout_seconds=remote.timeout_seconds
            )
        except CommandError as error:
            raise explain(error, remote.url, "asking for its branches") from error
    return "sha256" if len(listed.partition(b"\t")[0]) == 64 else "sha1"


@cache
def _can_do_without_objects() -> bool:
    """Whether this Git knows GIT_NO_LAZY_FETCH.

    Any other asks for each object that is missing, and at a shallow server starts itself for it
    again and again.
    """
    said = run_git(Git(Path("/")), "version").decode()
    digits = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", said)
    major, minor, patch = (int(digit or 0) for digit in digits.groups()) if digits else (0, 0, 0)
    since = _NO_LAZY_FETCH.get((major, minor))
    return (major, minor) >= (2, 45) or (since is not None and patch >= since)


@contextmanager
def _private_environment(remote: Remote) -> Generator[dict[str, str]]:
    with temporary_folder("git") as secrets:
        # A repository that Git is pointed to is not looked for, nor judged by its owner.
        directory = {"GIT_DIR": str(remote.folder)}
        # The remote's address is told to each command, so that no file can say another one. It has
        # no refspec: a push and a fetch at once would both write the branch that tracks the
        # remote's, and one of them would fail.
        yield directory | git_environment(remote.access, secrets, remote.url)


def _turn(remote: Remote, *, shared: bool = False) -> AbstractContextManager[None]:
    """Who uses the cache shares it; who mends it has it alone."""
    return locked(Path(f"{remote.folder}.lock"), remote.timeout_seconds, shared=shared)


def _is_held(lock: Path) -> bool:
    """Whether a lock is young, or a process has it open."""
    try:
        facts = lock.stat()
    except OSError:
        return False
    if abs(time.time() - facts.st_mtime) < _STALE_SECONDS:
        return True
    # Where there is no /proc, the age alone tells.
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            opened = link.stat()
        except OSError:
            continue
        if (opened.st_dev, opened.st_ino) == (facts.st_dev, facts.st_ino):
            return True
    return False
