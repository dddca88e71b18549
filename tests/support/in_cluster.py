"""An app that is released from inside the sandbox's cluster: how pods reach Git and registry."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from examples import repositories
from tests.support.processes import process_of_part
from tests.support.project import HOME, Project, create

LAYERS = """layers:
    unit:
      command: [pytest, tests]
      runner: pod
      shards: 2
      new_tests: 1
"""


@contextmanager
def reachable_from_pods(sandbox: Mapping[str, str]) -> Generator[dict[str, str]]:
    """The sandbox's exports as a pod has to read them: a pod has a loopback of its own.

    Registry and Git server listen for pods too, on the same ports.
    """
    host = sandbox["SHIPWAY_SANDBOX_HOST"]
    if not host:
        pytest.fail("pods reach Git and registry on a node of the sandbox's own alone")
    ports = [
        urlsplit(address).port
        for address in (f"//{sandbox['SHIPWAY_REGISTRY']}", sandbox["SHIPWAY_GIT_URL"])
    ]
    with _running(_forward(port, host, "127.0.0.1") for port in ports):
        yield {key: value.replace("127.0.0.1", host) for key, value in sandbox.items()}


@contextmanager
def reachable_from_the_engines_network(sandbox: Mapping[str, str]) -> Generator[None]:
    """Git server and Prefect as containers find them that have the network of the engine.

    Where the sandbox has namespaces of its own, the engine is in them, with a loopback of its own.
    """
    host = sandbox["SHIPWAY_SANDBOX_HOST"]
    if not host:
        yield
        return
    outer = process_of_part("machine")
    (init,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    inside = ["nsenter", "--target", init, "--net"]
    ports = [urlsplit(sandbox[name]).port for name in ("SHIPWAY_GIT_URL", "PREFECT_API_URL")]
    outwards = [_forward(port, host, "127.0.0.1") for port in ports]
    inwards = [[*inside, *_forward(port, "127.0.0.1", host)] for port in ports]
    with _running([*outwards, *inwards]):
        yield


def _forward(port: int | None, here: str, there: str) -> list[str]:
    """The command that listens at one address and passes on to the same port of another."""
    return ["socat", f"TCP-LISTEN:{port},bind={here},fork,reuseaddr", f"TCP:{there}:{port}"]


@contextmanager
def _running(commands: Iterable[Sequence[str]]) -> Generator[None]:
    """Programs that run until the block ends."""
    programs = [subprocess.Popen(command) for command in commands]
    try:
        yield
    finally:
        for program in programs:
            program.terminate()
            program.wait()


def create_in_cluster(
    app: str, sandbox: Mapping[str, str], from_pods: Mapping[str, str], folder: Path
) -> Project:
    """The README's app with an ops repository of its own, which no other agent follows.

    Its namespace is there before, its tests run in pods, and its base image has the name that
    pods know it by.
    """
    (folder / "ops-content").mkdir(parents=True)
    (folder / "ops-content" / "README.md").write_text("What runs in a cluster of its own.\n")
    state = {**sandbox, "SHIPWAY_STATE": str(folder)}
    repositories.create(f"ops-{app}", folder / "ops-content", {}, state)
    given = {**state, "SHIPWAY_PYTHON_IMAGE": from_pods["SHIPWAY_PYTHON_IMAGE"]}
    made = create(app, given, folder, agent="reconcile", ops_name=f"ops-{app}")
    head = made.file("pipeline.yaml").partition("layers:")[0]
    more = {f"tests/test_{n}.py": f"def test_{n}(): pass\n" for n in range(2)}
    made.change({"pipeline.yaml": head + LAYERS, **more})
    _, _, workloads = made.ops_file("deployment.yaml").partition("---\n")
    made.change_ops({f"{made.folder}/deployment.yaml": workloads})
    return made


def tools_image(sandbox: Mapping[str, str], folder: Path) -> Path:
    """A folder to build the image for `TOOLS` from: the client of BuildKit."""
    folder.mkdir()
    shutil.copy(sandbox["SHIPWAY_BUILDCTL"], folder)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY buildctl /\n")
    return folder


def buildkit_image(sandbox: Mapping[str, str], folder: Path) -> Path:
    """A folder to build BuildKit's image from: its recipe, and the programs of the sandbox."""
    shutil.copytree(HOME / "docker" / "images" / "buildkit", folder)
    for program in ("SHIPWAY_BUILDCTL", "SHIPWAY_SANDBOX_BUILDKITD"):
        shutil.copy(sandbox[program], folder)
    return folder
