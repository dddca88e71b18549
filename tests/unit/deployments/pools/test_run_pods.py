"""The work pool whose runs are pods: what Prefect's worker makes of a PodTemplate."""

from __future__ import annotations

import copy
from typing import Any
from unittest.mock import create_autospec
from uuid import uuid4

import pytest
import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

from deployments.pools.run_pods import base_job_template
from shipway.errors import RefuseError
from tests.support.project import HOME

FILE = HOME / "deployments" / "kubernetes" / "run-pods" / "run.yaml"
# The template refers to nothing that a server has.
NOBODY = create_autospec(PrefectClient, instance=True)


@pytest.fixture
def pod_template() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text("utf-8"))


async def job(pod_template: dict[str, Any]) -> dict[str, Any]:
    """The Job of a flow run, as Prefect's worker would start it."""
    configuration = await KubernetesWorkerJobConfiguration.from_template_and_values(
        base_job_template(pod_template), {"env": {"GIVEN": "1"}}, client=NOBODY
    )
    configuration.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="a-run"))
    return configuration.job_manifest


async def test_a_run_has_the_pod_of_the_template_and_what_prefect_tells_it(
    pod_template: dict[str, Any],
) -> None:
    made = await job(pod_template)
    assert made["metadata"]["namespace"] == "shipway"
    pod, meant = made["spec"]["template"]["spec"], pod_template["template"]["spec"]
    assert {key: pod[key] for key in meant if key != "containers"} == {
        key: meant[key] for key in meant if key != "containers"
    }
    (container,), (meant_container,) = pod["containers"], meant["containers"]
    assert meant_container.items() <= container.items()
    assert container["args"] == ["prefect", "flow-run", "execute"]
    assert {"name": "GIVEN", "value": "1"} in container["env"]


async def test_network_policies_know_the_pod_of_a_run(pod_template: dict[str, Any]) -> None:
    labels = (await job(pod_template))["spec"]["template"]["metadata"]["labels"]
    assert pod_template["template"]["metadata"]["labels"].items() <= labels.items()


async def test_an_evicted_run_is_started_again_by_prefect(pod_template: dict[str, Any]) -> None:
    made = await job(pod_template)
    assert made["spec"]["backoffLimit"] == 0
    env = made["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR", "value": "reschedule"} in env


def test_a_template_is_left_as_it_is(pod_template: dict[str, Any]) -> None:
    before = copy.deepcopy(pod_template)
    base_job_template(pod_template)
    assert pod_template == before


def test_a_container_that_prefect_does_not_find_is_refused(pod_template: dict[str, Any]) -> None:
    pod_template["template"]["spec"]["containers"][0]["name"] = "main"
    with pytest.raises(RefuseError, match=r"(?s)shipway/run.*'prefect-job'.*'main'"):
        base_job_template(pod_template)
