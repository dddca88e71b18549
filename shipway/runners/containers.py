"""Containers and networks on a Docker engine, labelled so that nobody's are lost."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus

from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.models.networks import Network
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from shipway.runners.environment import Sidecar
from shipway.runners.labels import OWNER_LABEL, RUN_LABEL, labels
from shipway.runners.local_images import pull_if_missing

_RETRY_PAUSE_SECONDS = 0.2
_REMOVAL_TIMEOUT_SECONDS = 20


def owners_of_leftovers(client: DockerClient) -> dict[str, set[str]]:
    """The flow runs that containers or networks on this engine belong to, and their processes."""
    containers = _list(client, {"label": RUN_LABEL})
    networks = client.networks.list(filters={"label": RUN_LABEL})
    owners: dict[str, set[str]] = {}
    for leftover in [*containers, *networks]:
        marks = leftover.attrs.get("Labels") or {}
        owners.setdefault(marks[RUN_LABEL], set()).add(marks.get(OWNER_LABEL, ""))
    return owners


def remove_leftovers(client: DockerClient, run: str, network: Network | None = None) -> int:
    """Remove every container of a flow run, and its network or networks; return how many."""
    if network is not None:
        return len(_remove_network(client, network))
    label = f"{RUN_LABEL}={run}"
    removed = _remove_containers(client, {"label": label})
    for network in client.networks.list(filters={"label": label}):
        removed |= _remove_network(client, network)
    return len(removed)


def _remove_containers(client: DockerClient, filters: Mapping[str, str]) -> set[str]:
    containers = _list(client, filters)
    for container in containers:
        remove_container(container)
    return {str(container.id) for container in containers}


def _list(client: DockerClient, filters: Mapping[str, str]) -> list[Container]:
    """Running and other containers, as the engine lists them.

    Not looked at one by one: another run may remove its own between the list and the look.
    """
    return client.containers.list(all=True, sparse=True, filters=dict(filters))


def make_network(client: DockerClient, run: str, name: str) -> Network:
    """A network of this name for a run: the one that is there, or a new one."""
    label: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={run}"}
    for network in client.networks.list(filters=label):
        if network.name == f"shipway-{name}":
            return network
    return client.networks.create(f"shipway-{name}", labels=labels(run))


def start_sidecars(
    client: DockerClient, network: Network, run: str, sidecars: Mapping[str, Sidecar]
) -> dict[str, Container]:
    """The containers of the sidecars; those that are missing are created and started.

    Raises:
        RefuseError: An image is not there and cannot be pulled.
    """
    containers: dict[str, Container] = {}
    for hostname, sidecar in sidecars.items():
        try:
            containers[hostname] = client.containers.get(f"{network.name}-{hostname}")
        except NotFound:
            containers[hostname] = _create_sidecar(client, network, hostname, sidecar, run)
            containers[hostname].start()
    return containers


def _create_sidecar(
    client: DockerClient, network: Network, hostname: str, sidecar: Sidecar, run: str
) -> Container:
    return client.containers.create(
        pull_if_missing(client, sidecar.image),
        name=f"{network.name}-{hostname}",
        environment=sidecar.env,
        labels=labels(run),
        network=network.name,
        networking_config={
            str(network.name): client.api.create_endpoint_config(aliases=[hostname])
        },
    )


def is_ready(container: Container, command: list[str] | None) -> bool:
    """Whether a service answers: by its command, else by its HEALTHCHECK, else as it runs."""
    container.reload()
    if container.status != "running":
        return False
    if command is not None:
        try:
            return container.exec_run(command).exit_code == 0
        except APIError:
            # It may have ended between the two questions: an engine says so in several ways.
            container.reload()
            if container.status != "running":
                return False
            raise
    health = container.attrs["State"].get("Health")
    return health is None or health["Status"] == "healthy"


def remove_container(container: Container) -> None:
    """Remove a container, running or not; one that is gone already is no error."""
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        # Two removals of one container: the engine is already at it.
        if error.status_code != HTTPStatus.CONFLICT:
            raise


def _remove_network(client: DockerClient, network: Network) -> set[str]:
    """Remove a network and every container on it; return the containers' ids."""
    removed = set[str]()

    def attempt() -> None:
        # What is cancelled may have started one there since the last attempt.
        removed.update(_remove_containers(client, {"network": str(network.name)}))
        network.remove()

    # Another run may be at the removal of its containers, and not done yet.
    attempts = Retrying(
        retry=retry_if_exception(_is_in_use),
        wait=wait_fixed(_RETRY_PAUSE_SECONDS),
        stop=stop_after_delay(_REMOVAL_TIMEOUT_SECONDS),
        reraise=True,
    )
    with suppress(NotFound):
        attempts(attempt)
    return removed


def _is_in_use(error: BaseException) -> bool:
    return isinstance(error, APIError) and error.status_code == HTTPStatus.FORBIDDEN
