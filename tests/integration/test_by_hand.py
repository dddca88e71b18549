"""What developers are told to type, typed: a layer whose tests need a database and the app."""

from __future__ import annotations

import subprocess
from pathlib import Path

from docker import DockerClient

from shipway.by_hand import run_by_hand
from shipway.config.pipeline import Pipeline

DATABASE = {
    "env": {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "shop", "POSTGRES_DB": "shop"},
    "ready": ["pg_isready", "--host", "127.0.0.1", "--username", "shop"],
}
ASKS = """\
import os, socket
for address in ("database", 5432), ("app", 8080):
    socket.create_connection(address, 5).close()
print("both are there,", os.environ["WORDS"])
"""


def test_the_lines_start_what_the_tests_need_and_remove_it(
    tmp_path: Path, sandbox: dict[str, str], engine: DockerClient
) -> None:
    base = sandbox["SHIPWAY_PYTHON_IMAGE"]
    serves = 'CMD ["python3", "-m", "http.server", "8080"]'
    stages = f"FROM {base} AS test\nCOPY asks.py .\nFROM {base} AS runtime\n{serves}\n"
    (tmp_path / "Dockerfile").write_text(stages)
    (tmp_path / "asks.py").write_text(ASKS)
    database = {**DATABASE, "image": sandbox["SHIPWAY_POSTGRES_IMAGE"]}
    layer = {
        "command": ["python3", "asks.py"],
        "tool": "junit",
        "env": {"WORDS": "two words"},
        "services": {"database": database},
        "app": {},
    }
    tests = {"target": "test", "layers": {"e2e": layer}}
    image = {"target": "runtime"}
    pipeline = Pipeline.model_validate({"app": "by-hand", "image": image, "tests": tests})
    lines = run_by_hand(pipeline, "e2e", "python3 asks.py")
    done = subprocess.run(
        ["sh", "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "both are there, two words" in done.stdout, done.stderr
    assert engine.containers.list(all=True, filters={"name": "by-hand-e2e"}) == []
    assert engine.networks.list(names=["by-hand-e2e"]) == []
