"""The work pool whose runs are containers of their own on a Docker engine."""

from __future__ import annotations

from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect_docker.worker import DockerWorker

# As deployments/kubernetes has its pods: what a run writes, it writes to these two.
HARDENED: dict[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "tmpfs": {"/tmp": "exec", "/var/lib/shipway": "uid=10001,gid=10001,mode=0700"},  # noqa: S108
}


async def make_run_containers(client: PrefectClient, name: str, image: str) -> None:
    """Have a Docker work pool whose containers run an image; what people set in it stays.

    Args:
        client: Of the Prefect server.
        name: Of the pool.
        image: Of docker/worker/Dockerfile, in the version that the deployments have.
    """
    try:
        pool = await client.read_work_pool(name)
    except ObjectNotFound:
        made = base_job_template(image)
        await client.create_work_pool(
            WorkPoolCreate(name=name, type=DockerWorker.type, base_job_template=made)
        )
    else:
        kept = pool.base_job_template
        kept["variables"]["properties"]["image"]["default"] = image
        await client.update_work_pool(name, WorkPoolUpdate(base_job_template=kept))


def base_job_template(image: str) -> dict[str, Any]:
    """Prefect's own template for containers: hardened, and gone once their run is over."""
    made = DockerWorker.get_default_base_job_template()
    variables = made["variables"]["properties"]
    for variable, value in (
        ("image", image),
        ("auto_remove", True),
        ("container_create_kwargs", HARDENED),
    ):
        variables[variable]["default"] = value
    return made
