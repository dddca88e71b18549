"""A Git cache that is broken.

Each input breaks Shipway's own copy of a repository in another way: the next call goes on as if it
had never been there, and touches nothing beside it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shipway.app_environment import AppEnvironment
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.source_repository import SourceRepository
from shipway.git.trailers import with_trailers
from tests.support.ops_commits import ops_commits
from tests.support.origin import Origin

SHOP = AppEnvironment(environment="prod", app="shop")
FILES = {"prod/shop/web.yaml": b"a\n", "prod/shop/rollout.yaml": b"strategy: rolling\n"}
TRAILERS = {"App": "shop", "Environment": "prod"}
Break = Callable[[Path], None]


def stale(lock: str) -> Break:
    """A lock of a process that is dead for long."""

    def spoil(cache: Path) -> None:
        (cache / lock).parent.mkdir(parents=True, exist_ok=True)
        (cache / lock).touch()
        os.utime(cache / lock, (1, 1))

    return spoil


def write(name: str, content: bytes) -> Break:
    """Another content of a file."""
    return lambda cache: void((cache / name).write_bytes(content))


def remove(name: str) -> Break:
    """A file or folder that is gone."""

    def spoil(cache: Path) -> None:
        path = cache / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    return spoil


def void(_: object) -> None:
    """Take no notice."""


def loose(cache: Path) -> list[Path]:
    """Every object in a file of its own."""
    for pack in (cache / "objects/pack").glob("*.pack"):
        text = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        command = ["git", f"--git-dir={cache}", "unpack-objects", "-q"]
        subprocess.run(command, input=text, check=True)
    files = [file for file in (cache / "objects").glob("??/*") if file.is_file()]
    assert files
    for file in files:
        file.chmod(0o644)
    return files


def of_kind(cache: Path, kind: str) -> list[Path]:
    files = loose(cache)
    headers = [zlib.decompressobj().decompress(file.read_bytes(), 20) for file in files]
    return [
        file
        for file, header in zip(files, headers, strict=True)
        if header.startswith(kind.encode())
    ]


def packed(cache: Path, suffix: str) -> Path:
    """All objects in one pack; the file of it."""
    Origin.git(cache, "repack", "-a", "-d", "-q")
    (file,) = (cache / "objects/pack").glob(f"*{suffix}")
    file.chmod(0o644)
    return file


def empty_objects(cache: Path) -> None:
    for file in loose(cache):
        file.write_bytes(b"")


def empty_kind(kind: str) -> Break:
    """The objects of one kind are empty."""

    def spoil(cache: Path) -> None:
        for file in of_kind(cache, kind):
            file.write_bytes(b"")

    return spoil


def lost_kind(kind: str) -> Break:
    """The objects of one kind are gone."""

    def spoil(cache: Path) -> None:
        for file in of_kind(cache, kind):
            file.unlink()

    return spoil


def truncated_objects(cache: Path) -> None:
    for file in loose(cache):
        file.write_bytes(file.read_bytes()[:12])


def other_content(cache: Path) -> None:
    """A disk that returns another file's bytes."""
    for file in of_kind(cache, "blob"):
        text = zlib.decompress(file.read_bytes())
        file.write_bytes(zlib.compress(text[:-1] + b"#"))


def truncated_pack(cache: Path) -> None:
    file = packed(cache, ".pack")
    file.write_bytes(file.read_bytes()[:40])


def spoiled_pack(cache: Path) -> None:
    file = packed(cache, ".pack")
    text = bytearray(file.read_bytes())
    text[14:-22] = bytes(len(text) - 36)
    file.write_bytes(text)


def empty_index(cache: Path) -> None:
    packed(cache, ".idx").write_bytes(b"")


def lost_pack(cache: Path) -> None:
    packed(cache, ".pack").unlink()


def a_file(cache: Path) -> None:
    shutil.rmtree(cache)
    cache.write_text("no folder")


def an_empty_folder(cache: Path) -> None:
    shutil.rmtree(cache)
    cache.mkdir()


def a_link_elsewhere(cache: Path) -> None:
    other = cache.parent.parent / "keep"
    shutil.rmtree(cache)
    cache.symlink_to(other)


def an_older_version(cache: Path) -> None:
    """What Shipway 0.1 left behind: no mark of the version, a repository that has all."""
    url = f"file://{cache.parents[3]}/origin.git"
    shutil.rmtree(cache)
    subprocess.run(["git", "clone", "-q", "--mirror", url, str(cache)], check=True)
    for file in (cache / "objects").rglob("*.pack"):
        file.chmod(0o644)
        file.write_bytes(b"PACK")


def half_made(cache: Path) -> None:
    """A machine that lost power while the cache was made."""
    shutil.rmtree(cache)
    subprocess.run(["git", "init", "-q", "--bare", str(cache)], check=True)
    (cache / "config").write_bytes(b"\0" * 66)


def another_owner(cache: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in [cache, *cache.rglob("*")]:
        os.chown(path, 65534, 65534)


BREAKS: dict[str, Break] = {
    **{
        f"stale {name}": stale(name)
        for name in (
            "HEAD.lock",
            "config.lock",
            "shallow.lock",
            "packed-refs.lock",
            "refs/heads/main.lock",
            "objects/maintenance.lock",
        )
    },
    "empty objects": empty_objects,
    "empty commits": empty_kind("commit"),
    "empty trees": empty_kind("tree"),
    "empty blobs": empty_kind("blob"),
    "lost commits": lost_kind("commit"),
    "lost trees": lost_kind("tree"),
    "lost blobs": lost_kind("blob"),
    "truncated objects": truncated_objects,
    "truncated pack": truncated_pack,
    "spoiled pack": spoiled_pack,
    "empty index of a pack": empty_index,
    "lost pack": lost_pack,
    "no HEAD": remove("HEAD"),
    "empty HEAD": write("HEAD", b""),
    "HEAD that is none": write("HEAD", b"\0\0\0\0"),
    "no config": remove("config"),
    "empty config": write("config", b""),
    "config that is none": write("config", b"[core\n"),
    "config of the future": write("config", b"[core]\n\trepositoryformatversion = 9\n"),
    "no refs": remove("refs"),
    "empty ref": write("refs/heads/main", b""),
    "ref that is none": write("refs/heads/main", b"\0" * 41),
    "ref to nothing": write("refs/heads/main", b"1" * 40 + b"\n"),
    "packed refs that are none": write("packed-refs", b"# pack-refs\n\0\n"),
    "shallow that is none": write("shallow", b"none\n"),
    "no objects": remove("objects"),
    "a file": a_file,
    "an empty folder": an_empty_folder,
    "a link elsewhere": a_link_elsewhere,
    "an older version": an_older_version,
    "half made": half_made,
    "another owner": another_owner,
}
OPS_ONLY = {
    "no second half": remove("offline"),
    "empty second half": write("offline/HEAD", b""),
    "other content": other_content,
}


@pytest.fixture
def filled(origin: Origin, tmp_path: Path) -> Origin:
    """A repository, and beside its caches what is nobody's business."""
    origin.commit(FILES, with_trailers("first", TRAILERS))
    for name in ("keep/file", "ops/keep/HEAD", "source/keep/HEAD"):
        (tmp_path / "state/work" / name).parent.mkdir(parents=True)
        (tmp_path / "state/work" / name).write_text(name)
    return origin


def cache_of(tmp_path: Path, role: str) -> Path:
    (cache,) = [path for path in (tmp_path / "state/work" / role).glob("*/") if path.name != "keep"]
    return cache


def check_beside(tmp_path: Path) -> None:
    work = tmp_path / "state/work"
    for name in ("keep/file", "ops/keep/HEAD", "source/keep/HEAD"):
        assert (work / name).read_text() == name
    for role in ("ops", "source"):
        folders = [path for path in (work / role).glob("*/") if path.name != "keep"]
        assert len(folders) <= 1, "what was broken is left behind"


def propose(there: OpsFolder, _history: History) -> Proposal:
    message = with_trailers("next", TRAILERS)
    return Proposal(changes={f"{there.path}/web.yaml": b"b\n"}, message=message)


@pytest.mark.parametrize("name", BREAKS | OPS_ONLY)
def test_a_release_goes_on_without_the_broken_cache(
    filled: Origin, tmp_path: Path, name: str
) -> None:
    ops = OpsRepository(url=filled.url)
    first = ops.fetch(SHOP)
    (BREAKS | OPS_ONLY)[name](cache_of(tmp_path, "ops"))
    assert ops.fetch(SHOP) == first
    (BREAKS | OPS_ONLY)[name](cache_of(tmp_path, "ops"))
    landed = ops.commit(SHOP, propose)
    assert (landed.commit, landed.new) == (filled.tip(), True)
    assert filled.changed(first.commit, landed.commit) == ["M\tprod/shop/web.yaml"]
    assert ops.fetch(SHOP).files == first.files | {"web.yaml": b"b\n"}
    assert [one.commit for one in ops_commits(ops, SHOP)] == [landed.commit, first.commit]
    check_beside(tmp_path)


@pytest.mark.parametrize("name", BREAKS)
def test_a_checkout_goes_on_without_the_broken_cache(
    filled: Origin, tmp_path: Path, name: str
) -> None:
    source = SourceRepository(url=filled.url, folder="prod")
    first = source.resolve("main")
    second = filled.commit({"prod/shop/web.yaml": b"b\n"})
    BREAKS[name](cache_of(tmp_path, "source"))
    revision = source.resolve("main")
    assert (revision.commit, source.resolve(first.commit)) == (second, first)
    BREAKS[name](cache_of(tmp_path, "source"))
    assert source.is_ancestor(first.commit, second)
    BREAKS[name](cache_of(tmp_path, "source"))
    folder = source.checkout(revision, tmp_path / "checkout")
    assert (folder / "shop/web.yaml").read_bytes() == b"b\n"
    assert (folder / "shop/rollout.yaml").read_bytes() == FILES["prod/shop/rollout.yaml"]
    BREAKS[name](cache_of(tmp_path, "source"))
    tree = str(filled.bare.git.rev_parse("main:prod/shop"))
    assert source.objects(revision, ["shop"]) == [tree]
    check_beside(tmp_path)


@pytest.mark.parametrize("name", ["empty objects", "no HEAD", "stale shallow.lock", "lost pack"])
def test_many_at_once_mend_it_once_and_do_not_disturb_each_other(
    filled: Origin, tmp_path: Path, name: str
) -> None:
    ops = OpsRepository(url=filled.url)
    first = ops.fetch(SHOP)
    BREAKS[name](cache_of(tmp_path, "ops"))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: ops.fetch(SHOP), range(12)))
    assert found == [first] * 12
    check_beside(tmp_path)


LIVE = """
import sys, time
from pathlib import Path
lock = Path(sys.argv[1])
file = lock.open("x")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
sys.exit(0 if lock.exists() and not lock.unlink() else 1)
"""


@pytest.mark.parametrize(
    ("lock", "seconds"),
    [("shallow.lock", 1), ("refs/heads/main.lock", 1), ("shallow.lock", 8)],
)
def test_a_lock_of_a_process_that_lives_is_waited_for(
    filled: Origin, tmp_path: Path, lock: str, seconds: float
) -> None:
    ops = OpsRepository(url=filled.url)
    ops.fetch(SHOP)
    second = filled.commit({"prod/shop/web.yaml": b"b\n"})
    path = cache_of(tmp_path, "ops") / lock
    begin = time.monotonic()
    command = [sys.executable, "-c", LIVE, str(path), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as live:
        assert live.stdout is not None
        assert live.stdout.readline() == b"held\n"
        os.utime(path, (1, 1))
        assert ops.fetch(SHOP).commit == second
    assert live.returncode == 0, "its lock was taken away"
    assert time.monotonic() - begin >= seconds


def test_a_cache_that_cannot_be_written_is_refused_with_what_to_do(
    filled: Origin, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    ops = OpsRepository(url=filled.url)
    ops.fetch(SHOP)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_mode & 0o777 == 0o700:
            path.chmod(0o755)
    with (tmp_path / "said").open("w") as said:
        if (child := os.fork()) == 0:
            try:
                os.setgroups([])
                os.setuid(65534)
                ops.fetch(SHOP)
            except BaseException as error:  # whatever it is, the parent goes on
                said.write(str(error))
                said.flush()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
    told = (tmp_path / "said").read_text()
    assert told.startswith("The Git cache belongs to another user of this machine.")
    assert "SHIPWAY_STATE" in told
    assert ops.fetch(SHOP).files["web.yaml"] == b"a\n"
