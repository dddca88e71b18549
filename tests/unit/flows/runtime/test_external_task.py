from __future__ import annotations

import pytest
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed

from flows.runtime.external_task import RETRY_SECONDS, external_task, may_pass
from shipway.errors import FailError, HaltError, RefuseError, RetryError


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RetryError("Not ready."), True),
        (RefuseError("No."), False),
        (FailError("Red."), False),
        (HaltError("Stop."), False),
        (ConnectionError("reset"), False),
    ],
)
async def test_only_what_may_pass_is_tried_again(error: Exception, *, again: bool) -> None:
    assert await may_pass(None, None, Failed(data=error)) is again


@pytest.mark.parametrize("pauses", [RETRY_SECONDS, (0.5,) * 8, ()])
def test_a_task_that_touches_the_outside_is_never_cached_and_pauses_as_told(
    pauses: tuple[float, ...],
) -> None:
    @external_task("ask {name}", pauses)
    def ask(name: str) -> str:
        return name

    assert (ask.task_run_name, ask.cache_policy, ask.persist_result) == (
        "ask {name}",
        NO_CACHE,
        False,
    )
    assert (ask.retries, ask.retry_delay_seconds) == (len(pauses), list(pauses))
    assert ask.retry_condition_fn is may_pass
    assert ask.fn("x") == "x"
