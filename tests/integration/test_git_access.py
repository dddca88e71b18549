"""Git over https with a token and over ssh with a deploy key, against real servers."""

from __future__ import annotations

import base64
import getpass
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from git import Repo
from pydantic import SecretStr

from bench.gitops.proxy import proxy
from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from shipway.errors import RefuseError
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from tests.support.app_environments import SHOP
from tests.support.packages import have


def propose(folder: OpsFolder, _history: History) -> Proposal:
    return Proposal(changes={f"{folder.path}/rollout.yaml": b"x: 1\n"}, message="release")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A server's key and certificate that signs itself."""
    file = tmp_path / "server.pem"
    key, public = tmp_path / "tls.key", tmp_path / "tls.crt"
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=git"]
    request += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(public)]
    subprocess.run(["openssl", *request], check=True, capture_output=True)
    file.write_text(key.read_text() + public.read_text())
    return file


def test_https_with_a_token_and_the_servers_own_authority(
    code: Repo, sandbox: dict[str, str], certificate: Path, tmp_path: Path
) -> None:
    login = {
        "username": sandbox["SHIPWAY_GIT_USERNAME"],
        "password": SecretStr(sandbox["SHIPWAY_GIT_PASSWORD"]),
    }
    with proxy(sandbox["SHIPWAY_GIT_URL"], certificate=certificate) as server:
        url = f"{server.url}/{Path(code.remote().url).name}"
        with pytest.raises(RefuseError, match="The Git server is not the one that was expected"):
            SourceRepository(url=url, **login).resolve("main")
        authority = (tmp_path / "tls.crt").read_text()
        source = SourceRepository(url=url, ca_certificate=authority, **login)
        assert source.resolve("main").commit == code.head.commit.hexsha
        ops = OpsRepository(url=url, ca_certificate=authority, **login)
        landed = ops.commit(SHOP, propose)
    code.remote().fetch()
    assert code.commit("origin/main").hexsha == landed.commit


class Ssh(NamedTuple):
    """An ssh server that lets one key in."""

    url: str
    key: SecretStr
    known_hosts: str


@pytest.fixture
def ssh(code: Repo, sandbox: dict[str, str], tmp_path: Path) -> Iterator[Ssh]:
    program = have("sshd", "openssh-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "deploy"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    # Only Git, as a forge does it, whatever command the client asks for.
    allowed = (folder / "deploy.pub").read_text()
    (folder / "authorized_keys").write_text(
        f'restrict,command="git shell -c \\"$SSH_ORIGINAL_COMMAND\\"" {allowed}'
    )
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nPidFile none\n"
        "PasswordAuthentication no\nPermitRootLogin yes\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=log)
        try:
            scanned = _scan(port)
            bare = Path(sandbox["SHIPWAY_GIT_ROOT"], Path(code.remote().url).name)
            yield Ssh(
                url=f"ssh://{getpass.getuser()}@127.0.0.1:{port}{bare}",
                key=SecretStr((folder / "deploy").read_text().strip()),
                known_hosts=scanned,
            )
        finally:
            server.terminate()
            server.wait(10)


def _scan(port: int) -> str:
    for _ in range(50):
        scan = ["ssh-keyscan", "-t", "ed25519", "-p", str(port), "127.0.0.1"]
        found = subprocess.run(scan, capture_output=True, text=True, check=False).stdout
        if found:
            return found
        time.sleep(0.1)
    pytest.fail("the ssh server does not answer")


def test_ssh_with_a_deploy_key_and_a_known_host(code: Repo, ssh: Ssh) -> None:
    access = {"url": ssh.url, "ssh_key": ssh.key, "known_hosts": ssh.known_hosts}
    assert SourceRepository(**access).resolve("main").commit == code.head.commit.hexsha
    landed = OpsRepository(**access).commit(SHOP, propose)
    code.remote().fetch()
    assert code.commit("origin/main").hexsha == landed.commit


def test_another_host_key_is_refused(code: Repo, ssh: Ssh) -> None:
    assert code
    host, kind, _ = ssh.known_hosts.split()
    other = base64.b64encode(base64.b64decode(ssh.known_hosts.split()[2])[:-1] + b"\0").decode()
    source = SourceRepository(url=ssh.url, ssh_key=ssh.key, known_hosts=f"{host} {kind} {other}")
    with pytest.raises(RefuseError, match="The Git server is not the one that was expected"):
        source.resolve("main")


def test_another_key_is_denied(code: Repo, ssh: Ssh, tmp_path: Path) -> None:
    assert code
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")]
    subprocess.run(command, check=True)
    key = SecretStr((tmp_path / "other").read_text())
    source = SourceRepository(url=ssh.url, ssh_key=key, known_hosts=ssh.known_hosts)
    with pytest.raises(RefuseError, match="Git was denied access"):
        source.resolve("main")
