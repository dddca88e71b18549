"""What gates ask: the real Prometheus, pods of the real cluster, its API server."""

from __future__ import annotations

import socket

import pytest

from blocks.metrics import Metrics
from shipway.errors import RefuseError, RetryError
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.job import JobEnd, run_job


@pytest.fixture
def metrics(gateway: str, sandbox: dict[str, str]) -> Metrics:
    return Metrics(url=sandbox["SHIPWAY_PROMETHEUS"])


@pytest.mark.parametrize(
    ("promql", "values"), [("vector(2)", [2]), ("1 + 1", [2]), ("nothing", [])]
)
async def test_a_query_has_none_one_or_several_values(
    metrics: Metrics, promql: str, values: list[float]
) -> None:
    assert [one.value for one in await metrics.query(promql)] == values


async def test_several_series_come_with_their_labels(metrics: Metrics) -> None:
    found = await metrics.query('label_replace(vector(1), "a", "b", "", "") or vector(2)')
    assert [(one.labels, one.value) for one in found] == [({"a": "b"}, 1), ({}, 2)]


async def test_what_is_no_promql_is_refused_and_what_is_has_no_need_of_a_value(
    metrics: Metrics,
) -> None:
    await metrics.check("sum(rate(nothing[5s]))")
    for ask in (metrics.check, metrics.query):
        with pytest.raises(RefuseError, match="does not take the query") as caught:
            await ask("rate(")
        assert "parse error" in str(caught.value.facts["got"])
    with pytest.raises(RefuseError, match="no single value"):
        await metrics.query("up[5s]")


async def test_a_server_that_is_down_may_come_back() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(RetryError, match="Prometheus does not answer"):
        await Metrics(url=url).query("up")


async def run(
    cluster: KubeClient, namespace: str, image: str, *command: str, seconds: float = 60
) -> JobEnd:
    return await run_job(
        cluster,
        namespace,
        name="smoke",
        image=image,
        command=[*command],
        env={"WORDS": "hello"},
        timeout_seconds=seconds,
    )


async def test_a_commands_exit_code_and_last_words_are_its_end(
    cluster: KubeClient, namespace: str, sandbox: dict[str, str]
) -> None:
    image = sandbox["SHIPWAY_PYTHON_IMAGE"]
    assert await run(cluster, namespace, image, "sh", "-c", "echo $WORDS") == JobEnd(
        exit_code=0, words="hello"
    )
    end = await run(cluster, namespace, image, "sh", "-c", "echo no; exit 3")
    assert end == JobEnd(exit_code=3, words="no")
    assert await cluster.list("batch/v1", "Job", namespace, "") == []


async def test_a_command_that_never_ran_to_its_end_has_no_exit_code(
    cluster: KubeClient, namespace: str, sandbox: dict[str, str]
) -> None:
    image = sandbox["SHIPWAY_PYTHON_IMAGE"]
    end = await run(cluster, namespace, image, "sleep", "60", seconds=4)
    assert (end.exit_code, end.words) == (None, "it is still running after 4 s")
    missing = f"{sandbox['SHIPWAY_REGISTRY']}/nothing@sha256:{'0' * 64}"
    end = await run(cluster, namespace, missing, "true")
    assert end.exit_code is None
    assert "ImagePullBackOff" in end.words
    assert await cluster.list("batch/v1", "Job", namespace, "") == []


async def test_a_page_comes_as_status_and_text(cluster: KubeClient) -> None:
    status, text = await cluster.text("/version", 5)
    assert (status, '"gitVersion"' in text) == (200, True)
    status, _ = await cluster.text("/nowhere", 5)
    assert status == 404
