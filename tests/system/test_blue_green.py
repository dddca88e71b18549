"""Blue/green on the real cluster, under load: no request fails, and the switch is one moment."""

from __future__ import annotations

from typing import Any

import pytest
from docker import DockerClient

from examples.killed import RELEASE, ROLLBACK, kill
from examples.load import load
from flows.rollback import rollback
from shipway.kubernetes.client import KubeClient
from tests.support.mistakes import said_of_run
from tests.support.project import Project
from tests.support.runs import run_release, summary
from tests.support.world import World

ROLLOUT = """\
strategy: blue-green
namespace: {app}
images:
  - {{file: blue.yaml, container: {app}}}
  - {{file: green.yaml, container: {app}}}
blue_green:
  {{blue: {app}-blue, green: {app}-green, service: {app}, scale_down_delay_seconds: {keep}}}
startup: {{restarts: 1, seconds: 2}}
"""
MANY = 100
ENTRY = "file: kustomization.yaml, kustomize: {{app}}-{}"


@pytest.fixture
def colours(cluster_project: Project) -> Project:
    """The README's app in two colours of two replicas, not yet released."""
    app, folder = cluster_project.app, cluster_project.folder
    text = cluster_project.ops_file("deployment.yaml")
    namespace, deployment, service = text.split("---\n")
    files = {f"{folder}/rollout.yaml": ROLLOUT.format(app=app, keep=2)}
    files[f"{folder}/deployment.yaml"] = "---\n".join(
        (namespace, service.replace(f"{{app: {app}}}", f"{{app: {app}, colour: blue}}"))
    )
    for colour, replicas in (("blue", 2), ("green", 0)):
        files[f"{folder}/{colour}.yaml"] = (
            deployment.replace(f"name: {app}\n", f"name: {app}-{colour}\n", 1)
            .replace(f"{{app: {app}}}", f"{{app: {app}, colour: {colour}}}")
            .replace("spec:\n", f"spec:\n  replicas: {replicas}\n", 1)
        )
    cluster_project.change_ops(files)
    return cluster_project


OVERLAY = {
    "rollout.yaml": ROLLOUT.replace(
        "file: blue.yaml, container: {app}", ENTRY.format("blue")
    ).replace("file: green.yaml, container: {app}", ENTRY.format("green"))
    + "render: {{kustomize: {{include: [base/{app}]}}}}\n",
    "kustomization.yaml": """\
resources: [../../base/{app}]
images:
  - {{name: {app}-blue, newName: {app}, digest: ''}}   # set by Shipway
  - {{name: {app}-green, newName: {app}, digest: ''}}
replicas:
  - {{name: {app}-blue, count: 2}}
  - {{name: {app}-green, count: 0}}
patches: [{{path: blue.yaml}}, {{path: green.yaml}}, {{path: switch.yaml}}]
""",
    "switch.yaml": """\
apiVersion: v1
kind: Service
metadata: {{name: {app}}}
spec: {{selector: {{colour: blue}}}}
""",
}
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {app}-{colour}}}
spec:
  template:
    metadata: {{labels: {{colour: {colour}}}}}
    spec: {{containers: [{{name: {app}, image: {app}-{colour}}}]}}
"""


@pytest.fixture
def overlay(colours: Project) -> Project:
    """The same manifests as a base; the folder has what the strategy reads and sets."""
    app, folder, base = colours.app, colours.folder, f"base/{colours.app}"
    files = {f"{base}/kustomization.yaml": "resources: [app.yaml, blue.yaml, green.yaml]\n"}
    files[f"{base}/app.yaml"] = colours.ops_file("deployment.yaml")
    for colour in ("blue", "green"):
        text = colours.ops_file(f"{colour}.yaml")
        files[f"{base}/{colour}.yaml"] = text.replace(f"image: {app} ", f"image: {app}-{colour} ")
        files[f"{folder}/{colour}.yaml"] = PATCH.format(app=app, colour=colour)
    files |= {f"{folder}/{name}": text.format(app=app, keep=2) for name, text in OVERLAY.items()}
    colours.remove_from_ops("deployment.yaml")
    colours.change_ops(files)
    return colours


def greet(project: Project, words: str) -> None:
    """Change what the app answers."""
    code = project.file("hello.py").split('return f"')[1].partition(",")[0]
    tests = project.file("tests/test_hello.py").replace(f"{code}, ", f"{words}, ")
    text = project.file("hello.py").replace(f"{code}, {{name}}!", f"{words}, {{name}}!")
    project.change({"hello.py": text, "tests/test_hello.py": tests})


async def address(cluster: KubeClient, app: str) -> str:
    service = await cluster.get("v1", "Service", app, app)
    assert service is not None
    return f"http://{service['spec']['clusterIP']}/"


async def replicas(cluster: KubeClient, app: str) -> dict[str, int]:
    found = await cluster.list("apps/v1", "Deployment", app, "")
    return {
        one["metadata"]["name"].removeprefix(f"{app}-"): one["spec"]["replicas"] for one in found
    }


def steps(project: Project) -> list[str]:
    """The steps that the ops repository records, oldest first."""
    log = project.ops_log()
    found = [
        project.ops.git.log("-1", "--format=%(trailers:key=Step,valueonly)", one) for one in log
    ]
    return [str(one).strip() for one in reversed(found) if one]


async def test_no_request_of_an_overlay_fails_on_the_way_there_and_back(
    overlay: Project, cluster: KubeClient, engine: DockerClient
) -> None:
    app = overlay.app
    first = await run_release(app, until="healthy")
    assert first.is_completed(), first.message
    greet(overlay, "Hi")
    world = World(overlay, engine, cluster)
    planned = await world.plan()
    assert planned.answers["rendering"].startswith(f"Kustomize makes of staging/{app} what each")
    async with load(await address(cluster, app)) as there:
        state = await run_release(app, until="healthy")
    assert state.is_completed(), state.message
    assert world.planned(planned) == world.committed()
    assert there.failed == []
    assert len(there.answers) > MANY
    assert there.bodies == ["Hello, world!", "Hi, world!"]
    assert await replicas(cluster, app) == {"blue": 0, "green": 2}
    assert (await summary(app, state))["committed"] == 3

    async with load(await address(cluster, app)) as back:
        state = await rollback(app, "staging", "5xx", "Ada", return_state=True)  # pyright: ignore
    assert state.is_completed(), state.message
    assert back.failed == []
    assert len(back.answers) > MANY
    assert back.bodies == ["Hi, world!", "Hello, world!"]
    assert await replicas(cluster, app) == {"blue": 2, "green": 0}
    assert steps(overlay) == [
        "1/1 first",
        *("1/3 prepare green", "2/3 switch to green", "3/3 scale down blue"),
        *("1/3 prepare blue", "2/3 switch to blue", "3/3 scale down green"),
    ]

    text = overlay.ops_file("kustomization.yaml")
    overlay.change_ops({f"{overlay.folder}/kustomization.yaml": f"{text}nameSuffix: -eu\n"})
    before, tags = overlay.ops_log(), overlay.tags()
    greet(overlay, "Hello again")
    state = await run_release(app, until="healthy")
    assert f"Kustomize makes no Deployment/{app}-blue of the folder." in str(state.message)
    assert (overlay.ops_log(), overlay.tags()) == (before, tags)


async def test_a_version_that_does_not_start_never_gets_the_traffic(
    colours: Project, cluster: KubeClient
) -> None:
    app = colours.app
    assert (await run_release(app, until="healthy")).is_completed()
    text = colours.file("hello.py").replace('if __name__ == "__main__":', "raise SystemExit(3)")
    async with load(await address(cluster, app)) as found:
        colours.change({"hello.py": text, "tests/test_hello.py": "def test_nothing(): pass\n"})
        state = await run_release(app, until="healthy")
    assert state.is_failed()
    assert "The rollout of" in await said_of_run(app, state)
    assert (found.failed, found.bodies) == ([], ["Hello, world!"])
    assert steps(colours) == ["1/1 first", "1/3 prepare green", "3/3 scale down green"]
    assert await replicas(cluster, app) == {"blue": 2, "green": 0}
    # What failed is not tried again before a person says so; what mends it is.
    state = await run_release(app, until="healthy")
    assert "on hold" in str(state.message)
    colours.change({"hello.py": text.replace("raise SystemExit(3)", 'if __name__ == "__main__":')})
    assert (await run_release(app, until="healthy")).is_completed()
    assert await replicas(cluster, app) == {"blue": 0, "green": 2}


async def test_a_run_that_was_killed_after_the_switch_goes_on_from_there(
    colours: Project, cluster: KubeClient, engine: DockerClient
) -> None:
    app, step = colours.app, "2/3 switch to green"
    assert (await run_release(app, until="healthy")).is_completed()
    greet(colours, "Hi")
    await kill(RELEASE, app, lambda: step in steps(colours))
    before = steps(colours)
    assert before[-1] == step
    world = World(colours, engine)
    planned = await world.plan()
    async with load(await address(cluster, app)) as found:
        state: Any = await run_release(app, until="healthy")
    assert state.is_completed(), state.message
    assert found.failed == []
    assert world.planned(planned) == world.committed() != []
    names = ["1/1 first", "1/3 prepare green", "2/3 switch to green", "3/3 scale down blue"]
    assert steps(colours) == names
    assert await replicas(cluster, app) == {"blue": 0, "green": 2}


async def test_a_rollback_that_was_killed_while_the_version_before_comes_up_goes_on(
    colours: Project, cluster: KubeClient
) -> None:
    app, step = colours.app, "1/3 prepare blue"
    assert (await run_release(app, until="healthy")).is_completed()
    greet(colours, "Hi")
    assert (await run_release(app, until="healthy")).is_completed()
    await kill(ROLLBACK, app, lambda: step in steps(colours))
    async with load(await address(cluster, app)) as found:
        state = await rollback(app, "staging", "5xx", "Ada", return_state=True)  # pyright: ignore
    assert state.is_completed(), state.message
    assert found.failed == []
    assert found.bodies[-1] == "Hello, world!"
    assert steps(colours)[4:] == [step, "2/3 switch to blue", "3/3 scale down green"]
    assert await replicas(cluster, app) == {"blue": 2, "green": 0}
