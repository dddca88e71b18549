"""Pods of tests on the real cluster: services beside them, and what goes wrong."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from blocks.cluster import Cluster
from blocks.pod_runner import PodRunner
from shipway.errors import FailError, RefuseError, RetryError
from shipway.image_ref import ImageRef
from shipway.registry import Registry
from shipway.runners.environment import Sidecar
from shipway.runners.labels import RUN_LABEL
from shipway.runners.pod_environment import PodEnvironment
from shipway.test_tools.tool import Invocation
from tests.support.environments import spec_of
from tests.support.pods import pod_runner

NOTHING = Invocation(command=["true"], env={})


class Pods:
    """Environments in the cluster, of the sandbox's Python image."""

    def __init__(self, runner: PodRunner, image: str) -> None:
        self.run = str(uuid.uuid4())
        self.runner = runner
        self.image = image

    def environment(
        self, sidecars: dict[str, Sidecar] | None = None, image: str | None = None
    ) -> AbstractAsyncContextManager[PodEnvironment]:
        """An environment of this run."""
        spec = spec_of(run=self.run, image=image or self.image, sidecars=sidecars)
        return self.runner.open().environment(spec)


@pytest.fixture
async def pods(cluster_is_up: None, sandbox: dict[str, str]) -> AsyncIterator[Pods]:
    local = ImageRef.parse(sandbox["SHIPWAY_PYTHON_IMAGE"])
    stored = await Registry(address=sandbox["SHIPWAY_REGISTRY"], insecure=True).find(local)
    assert stored is not None
    async with pod_runner(sandbox["KUBECONFIG"]) as runner:
        runner.ready_seconds = 20
        made = Pods(runner, str(stored.ref.pinned()))
        yield made
        assert made.run not in await runner.open().owners()


async def test_a_service_that_does_not_get_ready_fails_with_its_last_words(pods: Pods) -> None:
    pods.runner.ready_seconds = 5
    broken = Sidecar(image=pods.image, env={}, ready=["false"])
    async with pods.environment({"db": broken}) as environment:
        with pytest.raises(FailError) as caught:
            await environment.run(NOTHING, lambda chunk: None)
    assert caught.value.what == "The service 'db' does not get ready."
    assert caught.value.facts["where"] == pods.image


async def test_an_image_that_is_not_there_is_refused(pods: Pods) -> None:
    missing = f"{pods.image.partition('@')[0]}@sha256:{'0' * 64}"
    async with pods.environment(image=missing) as environment:
        with pytest.raises(RefuseError) as caught:
            await environment.run(NOTHING, lambda chunk: None)
    assert caught.value.what == "The pod of a shard cannot start."
    assert "Image" in str(caught.value.facts["got"])


async def test_a_pod_that_somebody_deletes_is_lost_and_may_be_tried_again(pods: Pods) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    block = await Cluster.aload("staging")
    async with pods.environment() as environment, block.client() as cluster:
        sleep = Invocation(command=["sh", "-c", "echo begun; sleep 600"], env={})
        work = asyncio.create_task(
            environment.run(sleep, lambda chunk: loop.call_soon_threadsafe(begun.set))
        )
        await begun.wait()
        selector = f"{RUN_LABEL}={pods.run}"
        (pod,) = await cluster.list("v1", "Pod", "default", selector)
        await cluster.delete("v1", "Pod", pod["metadata"]["name"], "default")
        with pytest.raises(RetryError) as caught:
            await work
    assert caught.value.what == "The pod of a shard was lost."


async def test_a_pool_that_is_not_there_or_of_another_kind_is_refused(pods: Pods) -> None:
    for name, got in (
        ("no-such-pool", "no such work pool"),
        ("shipway", "a pool of type warm-process"),
    ):
        with pytest.raises(RefuseError) as caught:
            await PodRunner(work_pool=name).open().owners()
        assert caught.value.facts["got"] == got
        assert caught.value.facts["where"] == f"Pod Runner block, work pool {name!r}"
