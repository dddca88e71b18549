"""The work pool whose runs are containers: what Prefect's worker makes of its template."""

from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec
from uuid import uuid4

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect_docker.worker import DockerWorkerJobConfiguration

from deployments.pools.run_containers import HARDENED, base_job_template

# The template refers to nothing that a server has.
NOBODY = create_autospec(PrefectClient, instance=True)


async def configured(**given: Any) -> DockerWorkerJobConfiguration:
    """What the worker starts for a flow run."""
    template = base_job_template("registry.example.org/shipway:1")
    made = await DockerWorkerJobConfiguration.from_template_and_values(
        template, given, client=NOBODY
    )
    made.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="a-run"))
    return made


async def test_a_run_has_the_image_and_is_hardened_and_gone_afterwards() -> None:
    made = await configured(env={"GIVEN": "1"})
    assert made.image == "registry.example.org/shipway:1"
    assert made.container_create_kwargs == HARDENED
    assert made.auto_remove
    assert not made.privileged
    assert made.command == "prefect flow-run execute"
    assert made.env["GIVEN"] == "1"


async def test_a_deployment_may_say_otherwise() -> None:
    made = await configured(image="registry.example.org/shipway:2", mem_limit="2g")
    assert (made.image, made.mem_limit) == ("registry.example.org/shipway:2", "2g")
