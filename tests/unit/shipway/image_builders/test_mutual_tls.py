"""Whether client and server trust each other, asked of servers on this machine."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from shipway.image_builders.mutual_tls import Keys, distrust


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Keys]:
    """Keys that trust each other, and a stranger's, whose certificate nobody else signed."""
    folder = tmp_path_factory.mktemp("made")
    return {name: _self_signed(folder / name) for name in ("known", "stranger")}


def _self_signed(folder: Path) -> Keys:
    folder.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    certificate = (folder / "cert.pem").read_text()
    key = SecretStr((folder / "key.pem").read_text())
    return Keys(ca=certificate, certificate=certificate, key=key)


def written(keys: Keys, folder: Path) -> Path:
    folder.mkdir()
    keys.write(folder)
    return folder


@contextmanager
def server(greet: Callable[[socket.socket], None]) -> Generator[str]:
    """The address of a server on this machine, and how it greets who connects."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            # Who is not let in, and the end of the test, end it.
            with suppress(OSError), closing(listening.accept()[0]) as connection:
                greet(connection)

        thread = Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def address(request: pytest.FixtureRequest, made: dict[str, Keys], tmp_path: Path) -> Iterator[str]:
    """A server that lets in who shows the known certificate."""
    folder = written(made["known"], tmp_path / "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = request.param
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED

    def greet(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as trusted:
            trusted.sendall(b"a")

    with server(greet) as at:
        yield at


async def test_who_is_known_is_trusted(address: str, made: dict[str, Keys], tmp_path: Path) -> None:
    assert await distrust(address, written(made["known"], tmp_path / "client")) is None


async def test_a_server_of_another_authority_is_not_trusted(
    address: str, made: dict[str, Keys], tmp_path: Path
) -> None:
    keys = made["known"].model_copy(update={"ca": made["stranger"].ca})
    words = await distrust(address, written(keys, tmp_path / "client"))
    assert "certificate verify failed" in str(words)


async def test_a_server_of_another_name_is_not_trusted(
    address: str, made: dict[str, Keys], tmp_path: Path
) -> None:
    keys = written(made["known"], tmp_path / "client")
    words = await distrust(address.replace("127.0.0.1", "localhost"), keys)
    assert "'localhost'" in str(words)


async def test_a_stranger_is_not_trusted(
    address: str, made: dict[str, Keys], tmp_path: Path
) -> None:
    keys = made["stranger"].model_copy(update={"ca": made["known"].ca})
    words = await distrust(address, written(keys, tmp_path / "client"))
    assert "unknown ca" in str(words)


@pytest.mark.parametrize("field", ["ca", "certificate", "key"])
async def test_what_is_no_pem_is_told(
    address: str, made: dict[str, Keys], tmp_path: Path, field: str
) -> None:
    value = SecretStr("no key") if field == "key" else "no certificate"
    keys = made["known"].model_copy(update={field: value})
    assert await distrust(address, written(keys, tmp_path / "client"))


async def test_a_key_with_a_passphrase_is_told_and_asks_for_none(
    address: str, made: dict[str, Keys], tmp_path: Path
) -> None:
    folder = written(made["known"], tmp_path / "client")
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:hunter2", "-in", "key.pem"]
    command += ["-out", "key.pem"]
    await asyncio.to_thread(subprocess.run, command, cwd=folder, check=True, capture_output=True)
    assert await distrust(address, folder)


async def test_a_server_without_tls_is_told(made: dict[str, Keys], tmp_path: Path) -> None:
    with server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n")) as at:
        assert await distrust(at, written(made["known"], tmp_path / "client"))


async def test_a_server_that_ends_at_once_says_nothing_of_trust(
    made: dict[str, Keys], tmp_path: Path
) -> None:
    with server(lambda _connection: None) as at:
        assert await distrust(at, written(made["known"], tmp_path / "client")) is None


async def test_a_server_that_is_not_there_says_nothing_of_trust(
    made: dict[str, Keys], tmp_path: Path, free_port: int
) -> None:
    keys = written(made["known"], tmp_path / "client")
    for at in (f"tcp://127.0.0.1:{free_port}", "unix:///not/there.sock", "tcp://buildkitd:http"):
        assert await distrust(at, keys) is None
