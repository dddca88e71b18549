"""Kustomize and Helm environments, rendered by the tools and rolled out by the built-in agent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flows.reconcile import reconcile
from shipway.kubernetes.client import KubeClient
from tests.support.project import Project, bring_up
from tests.support.runs import run_release, summary

IMAGES = """\
images:
  - {{file: kustomization.yaml, kustomize: {app}}}
render:
  kustomize:
    include: [base/{app}]
"""
CHART = "apiVersion: v2\nname: {app}\nversion: 1.0.0\n"
VALUES = """\
# What people tune, and what Shipway sets.
replicas: 2
image:
  repository: {app}
  digest: ""   # set by Shipway
"""
TEST_POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: never
  annotations: {helm.sh/hook: test}
spec: {containers: [{name: never, image: never}]}
"""


@pytest.fixture(scope="session")
def helm(sandbox: dict[str, str], cluster_is_up: None) -> None:
    """Helm is there, built if it is not; without it, the tests fail."""
    bring_up("Helm", "--helm")


def rollout_yaml(app: str, rest: str) -> str:
    return f"strategy: rolling\nnamespace: {app}\n{rest}"


def overlay(cluster_project: Project) -> None:
    """The README's app as a base, and an overlay with two pods."""
    app, folder = cluster_project.app, cluster_project.folder
    manifests = cluster_project.ops_file("deployment.yaml")
    patch = "spec: {replicas: 2}"
    cluster_project.remove_from_ops("deployment.yaml")
    cluster_project.change_ops(
        {
            f"base/{app}/manifests.yaml": manifests,
            f"base/{app}/kustomization.yaml": "resources: [manifests.yaml]\n",
            f"{folder}/kustomization.yaml": (
                f"resources: [../../base/{app}]\n"
                f"images:\n  - name: {app}\n    newName: {app}\n    digest: ''\n"
                f"patches:\n  - target: {{kind: Deployment}}\n    path: more.yaml\n"
            ),
            f"{folder}/more.yaml": (
                f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {app}}}\n{patch}\n"
            ),
            f"{folder}/rollout.yaml": rollout_yaml(app, IMAGES.format(app=app)),
        }
    )


def chart(cluster_project: Project) -> None:
    """The README's app as a chart of the ops repository, and values with two pods."""
    app, folder = cluster_project.app, cluster_project.folder
    manifests = cluster_project.ops_file("deployment.yaml")
    template = manifests.replace(
        f"image: {app} ", "image: {{ .Values.image.repository }}@{{ .Values.image.digest }} "
    ).replace(
        "spec:\n  selector:\n    match",
        "spec:\n  replicas: {{ .Values.replicas }}\n  selector:\n    match",
    )
    assert "Values.image" in template
    assert "Values.replicas" in template
    cluster_project.remove_from_ops("deployment.yaml")
    cluster_project.change_ops(
        {
            f"charts/{app}/Chart.yaml": CHART.format(app=app),
            f"charts/{app}/templates/app.yaml": template,
            f"charts/{app}/templates/tests/pod.yaml": TEST_POD,
            f"{folder}/values.yaml": VALUES.format(app=app),
            f"{folder}/rollout.yaml": rollout_yaml(
                app,
                "images:\n  - {file: values.yaml, helm: /image}\n"
                f"render: {{helm: {{chart: charts/{app}, values: [values.yaml]}}}}\n",
            ),
        }
    )


async def running(cluster: KubeClient, app: str) -> tuple[int, str]:
    """Replicas and image that the cluster was told."""
    found = await cluster.get("apps/v1", "Deployment", app, app)
    assert found is not None
    return found["spec"]["replicas"], found["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.mark.parametrize("files", [overlay, chart])
async def test_a_rendered_environment_rolls_out_as_a_plain_one(
    files: Callable[[Project], None], cluster_project: Project, cluster: KubeClient, helm: None
) -> None:
    project, app = cluster_project, cluster_project.app
    files(project)
    for number in (1, 2):
        project.change({"notes.txt": f"Change {number}.\n"})
        state = await run_release(app, until="healthy")
        assert state.is_completed(), state.message
        row = await summary(app, state)
        assert row["served"] == f"Deployment/{app}: 2 of 2 run the image"
        replicas, image = await running(cluster, app)
        assert (replicas, image.partition("@")[2]) == (2, row["image"].partition("@")[2])
    (applied,) = await reconcile("staging", app)
    assert {one.action for one in applied.changes} == {"unchanged"}


async def test_what_cannot_be_rendered_is_refused_in_the_tools_words(
    cluster_project: Project,
) -> None:
    overlay(cluster_project)
    text = cluster_project.ops_file("kustomization.yaml").replace("more.yaml", "nowhere.yaml")
    cluster_project.change_ops({f"{cluster_project.folder}/kustomization.yaml": text})
    before = cluster_project.ops_log()
    state = await run_release(cluster_project.app, until="healthy")
    assert state.is_failed()
    message = str(state.message)
    assert "The manifests cannot be rendered." in message
    assert f"where:     {cluster_project.folder}" in message
    assert "nowhere.yaml" in message
    assert cluster_project.ops_log() == before
