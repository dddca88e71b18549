"""Keys: the cluster's, made before it, so that its address and trust are known at once; others'."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from state import STATE

FOLDER = STATE / "pki"
NOBODY = FOLDER / "nobody.pem"


def make(address: str, service: str) -> Path:
    """A CA, a serving certificate for the API server, and the key that signs service accounts."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.chmod(0o700)
    if (FOLDER / f"{address}.crt").exists():
        return FOLDER
    names = f"IP:{address},IP:{service},IP:127.0.0.1,DNS:kubernetes.default.svc"
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=sandbox-ca",
        "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "ca.key", "-out", "ca.crt",
    )  # fmt: skip
    _openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=kube-apiserver",
        "-keyout", "apiserver.key", "-out", "apiserver.csr",
    )  # fmt: skip
    (FOLDER / "apiserver.ext").write_text(f"subjectAltName={names}\n")
    _openssl(
        "x509", "-req", "-in", "apiserver.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
        "-CAcreateserial", "-days", "3650", "-extfile", "apiserver.ext", "-out", f"{address}.crt",
    )  # fmt: skip
    # The API server's own identity towards the kubelet, for logs and exec.
    _openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=system:masters/CN=kube-apiserver",
        "-keyout", "kubelet-client.key", "-out", "kubelet-client.csr",
    )  # fmt: skip
    _openssl(
        "x509", "-req", "-in", "kubelet-client.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
        "-CAcreateserial", "-days", "3650", "-out", "kubelet-client.crt",
    )  # fmt: skip
    _openssl("genrsa", "-out", "accounts.key", "2048")
    return FOLDER


def make_mutual(folder: Path, address: str) -> None:
    """Keys with which a server and its clients let each other in, each in a folder of its own.

    `server` and `client` have ca.pem, cert.pem and key.pem. What was in the folder is gone.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=sandbox-ca",
        "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "ca.key", "-out", "ca.pem",
        folder=folder,
    )  # fmt: skip
    (folder / "names").write_text(f"subjectAltName=IP:{address},IP:127.0.0.1\n")
    for name in ("server", "client"):
        (folder / name).mkdir()
        _openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}/key.pem", "-out", f"{name}.csr", folder=folder,
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "3650", "-extfile", "names", "-out", f"{name}/cert.pem",
            folder=folder,
        )  # fmt: skip
        shutil.copy(folder / "ca.pem", folder / name)


def make_nobody() -> None:
    """Make the certificate for clients that speak plain HTTP, and trust nobody."""
    if NOBODY.exists():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.chmod(0o700)
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=nobody",
        "-keyout", "nobody.key", "-out", NOBODY.name,
    )  # fmt: skip


def _openssl(*arguments: str, folder: Path = FOLDER) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
