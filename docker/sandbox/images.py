"""Base images: the public ones where they can be pulled, else made here from Debian packages."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import registry
from packages import need
from state import CACHE, HOME, LOGS, Unavailable, read, remember

_IMAGES = HOME / "docker" / "images"
_SUITE = "bookworm"
_INCLUDE = "python3-minimal,python3-venv,ca-certificates"
_SETTINGS = (
    # A pod's pause container gets no PATH but that of its image.
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ENV LANG=C.UTF-8",
    'CMD ["sleep", "infinity"]',
)
_PUBLIC = {"python": "python:3.11-slim", "postgres": "postgres:15"}
_PUBLIC_PAUSE = "registry.k8s.io/pause:3.10"


def up(host: str, cli: str) -> dict[str, str]:
    """Have a Python and a PostgreSQL image; return their names by kind."""
    known = read().get("images")
    if known == _PUBLIC or (known is None and all(_pull(host, name) for name in _PUBLIC.values())):
        return remember("images", _PUBLIC)
    names: dict[str, str] = {}
    for kind in _PUBLIC:
        key = _key(kind)
        names[kind] = f"{registry.address()}/sandbox/{kind}:{key}"
        if not registry.has(f"sandbox/{kind}", key):
            _load(host, cli, kind, names)
            _docker(cli, host, "push", "--quiet", names[kind])
    return remember("images", names)


def pause() -> str:
    """The image that holds a pod's namespaces open: anything that sleeps does."""
    if read().get("images") == _PUBLIC:
        return _PUBLIC_PAUSE
    return f"{registry.address()}/sandbox/python:{_key('python')}"


def _key(kind: str) -> str:
    """Identifies the recipe of an image; python is the base of the others."""
    recipe = repr((_SUITE, _INCLUDE, _SETTINGS)).encode()
    recipe += b"".join(file.read_bytes() for file in sorted((_IMAGES / kind).glob("*")))
    return hashlib.sha256(recipe).hexdigest()[:12]


def _pull(host: str, name: str) -> bool:
    env = {**os.environ, "DOCKER_HOST": host}
    for command in (["docker", "image", "inspect", name], ["docker", "pull", "--quiet", name]):
        try:
            done = subprocess.run(command, env=env, capture_output=True, check=False, timeout=300)
        except subprocess.TimeoutExpired:
            return False
        if done.returncode == 0:
            return True
    return False


def _load(host: str, cli: str, kind: str, names: dict[str, str]) -> None:
    """Load an image from the cache folder, or make it and keep it there."""
    archive = CACHE / "images" / f"{kind}-{_key(kind)}.tar"
    if archive.exists():
        _docker(cli, host, "load", "--quiet", "--input", str(archive))
    else:
        print(f"  making the base image {kind}, once (about a minute) …", flush=True)
        if kind == "python":
            _make_python(host, cli)
        else:
            folder = str(_IMAGES / kind)
            base = f"BASE={names['python']}"
            _docker(cli, host, "build", "--tag", f"shipway/{kind}", "--build-arg", base, folder)
        archive.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=archive.parent, delete=False) as draft:
            _docker(cli, host, "save", "--output", draft.name, f"shipway/{kind}")
        Path(draft.name).rename(archive)
    _docker(cli, host, "tag", f"shipway/{kind}", names[kind])


def _make_python(host: str, cli: str) -> None:
    need({"debootstrap": "debootstrap"}, "the base image")
    targets = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    mirrors = subprocess.run(targets, capture_output=True, text=True, check=False).stdout.split()
    if not mirrors:
        raise Unavailable("no Debian mirror is configured, and no base image can be pulled")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        _logged(
            "debootstrap",
            "--variant=minbase",
            f"--include={_INCLUDE}",
            _SUITE,
            str(root),
            mirrors[0],
        )
        # Containers reach the outside through the same company proxies as this machine.
        bundle = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        shutil.copyfile(bundle, root / "etc/ssl/certs/ca-certificates.crt")
        (root / "usr/bin/python").symlink_to("python3")
        for waste in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"):
            shutil.rmtree(root / waste, ignore_errors=True)
        (root / "var/cache/apt/archives/partial").mkdir(parents=True)
        (root / "var/lib/apt/lists/partial").mkdir(parents=True)
        archive = Path(folder, "root.tar")
        _logged("tar", "--create", "--file", str(archive), "--directory", str(root), ".")
        changes = [part for setting in _SETTINGS for part in ("--change", setting)]
        _docker(cli, host, "import", *changes, str(archive), "shipway/python")


def _docker(cli: str, host: str, *arguments: str) -> None:
    _logged(cli, *arguments, env={"DOCKER_HOST": host, "DOCKER_BUILDKIT": "1"})


def _logged(*command: str, env: dict[str, str] | None = None) -> None:
    file = LOGS / "images.log"
    with file.open("ab") as log:
        done = subprocess.run(
            command, env={**os.environ, **(env or {})}, stdout=log, stderr=log, check=False
        )
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command[:2])} failed, see {file}")
