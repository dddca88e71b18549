"""How a task that acts on or observes the outside world runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import get_state_exception
from prefect.utilities.annotations import quote

from shipway.errors import RetryError

RETRY_SECONDS = (1.0, 3.0, 9.0)

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


async def may_pass(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Whether the failure may pass by itself; anything but `RetryError` would only fail again."""
    exception: Any = get_state_exception(state)
    return isinstance(await exception, RetryError)


def external_task(
    name: str, retry_seconds: tuple[float, ...] = RETRY_SECONDS
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Decorate a task that acts or observes: never cached, tried again only where that may help.

    Without NO_CACHE, Prefect would answer a second call in a run from the first one's result.

    Args:
        name: Template of the task run's name.
        retry_seconds: Pause before each further attempt, with up to half of it added at random.
    """
    return task(
        task_run_name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(retry_seconds),
        retry_delay_seconds=list(retry_seconds),
        retry_jitter_factor=0.5,
        retry_condition_fn=may_pass,
    )


def as_is(value: T) -> T:
    """An argument that Prefect hands to the task as it is.

    Otherwise it looks for futures in every part: for a layer of 100,000 tests, over a minute.
    """
    return cast("T", quote(value))
