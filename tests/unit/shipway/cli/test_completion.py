from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

SHIPWAY = Path(sys.executable).with_name("shipway")
ROOT = Path(__file__).parents[4]
OFFERED = {"app": ["cart", "shop"], "environment": ["production", "staging"]}


class Server(BaseHTTPRequestHandler):
    """Knows one deployment, as the agent leaves it."""

    def do_GET(self) -> None:
        properties = {
            name: {"anyOf": [{"enum": names}, {"type": "string"}]}
            for name, names in OFFERED.items()
        }
        body = json.dumps({"parameter_openapi_schema": {"properties": properties}}).encode()
        found = self.path == "/api/deployments/name/release/release"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of somebody who has installed the completion for bash."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".bashrc").write_text("# mine\n")
    install = [SHIPWAY, "--install-completion", "--shell", "bash"]
    subprocess.run(install, env=environment(folder), check=True, capture_output=True)
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    path = f"{SHIPWAY.parent}{os.pathsep}{os.environ['PATH']}"
    return {"HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), **more}


def completed(home: Path, url: str, line: str) -> list[str]:
    """What bash offers for the last word of a line, by the function that it calls for it."""
    script = f"""
        source ~/.bashrc
        COMP_WORDS=({line}{" ''" if line.endswith(" ") else ""})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        $(complete -p shipway | sed -E 's/.* -F ([^ ]+) .*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    # As at a terminal: a shell that is not interactive may leave its settings out.
    shell = [str(shutil.which("bash")), "--norc", "-i", "-c", script]
    env = environment(home, PREFECT_API_URL=url)
    done = subprocess.run(shell, env=env, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("shipway rel", ["release", "release-services"]),
        ("shipway release --unt", ["--until"]),
        ("shipway release ", OFFERED["app"]),
        ("shipway release shop --environment ", OFFERED["environment"]),
        ("shipway promote shop p", ["production"]),
        ("shipway history s", ["staging"]),
    ],
)
def test_bash_completes_a_line(home: Path, url: str, line: str, offered: list[str]) -> None:
    assert completed(home, url, line) == offered


def test_without_a_server_nothing_is_offered_and_nothing_said(home: Path, free_port: int) -> None:
    assert completed(home, f"http://127.0.0.1:{free_port}/api", "shipway release ") == []
