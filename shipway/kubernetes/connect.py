"""A connection to a cluster whose API server answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
from kubernetes_asyncio.client import ApiClient, ApiException
from kubernetes_asyncio.config import ConfigException

from shipway.errors import FailError, RefuseError, RetryError
from shipway.kubernetes.client import KubeClient


@asynccontextmanager
async def connected(
    open_api: Callable[[], AbstractAsyncContextManager[Any]], reachable_seconds: float
) -> AsyncGenerator[KubeClient]:
    """A client of the cluster, once its API server answers.

    Args:
        open_api: Opens one of the API classes of kubernetes_asyncio, with credentials.
        reachable_seconds: How long to wait for an answer.

    Raises:
        RetryError: It does not answer within `reachable_seconds`.
        RefuseError: It denies access, or there is no usable configuration.
    """
    try:
        async with open_api() as opened:
            api: ApiClient = opened.api_client
            client = KubeClient(api)
            await _wait_for_answer(client, str(api.configuration.host), reachable_seconds)
            yield client
    except ConfigException as error:
        raise RefuseError(
            "There is no usable cluster configuration.",
            where="the block or work pool that names the cluster",
            expected="a kubeconfig in its credentials",
            got=str(error),
        ) from error


async def _wait_for_answer(client: KubeClient, host: str, reachable_seconds: float) -> None:
    """Wait until the API server answers."""
    deadline = time.monotonic() + reachable_seconds
    while True:
        try:
            await client.call("GET", "/version")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if time.monotonic() > deadline:
                raise RetryError(
                    "The cluster's API server does not answer.",
                    where=host,
                    expected=f"an answer within {reachable_seconds:.0f} s",
                    got=f"{type(error).__name__}: {error}",
                    untouched="the cluster",
                    remedy="check the cluster and its credentials in the Prefect UI",
                ) from error
            await asyncio.sleep(1)
        except ApiException as error:
            if error.status in {401, 403}:
                raise RefuseError(
                    "The cluster denies access.",
                    where=host,
                    got=f"HTTP {error.status} {error.reason}",
                    remedy="check the cluster's credentials in the Prefect UI",
                ) from error
            raise FailError(
                "The API server answers with an error.", where=host, got=str(error)
            ) from error
        else:
            return
