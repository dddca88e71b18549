from __future__ import annotations

import math
import re
from typing import Any

import pytest

from shipway.errors import RefuseError, RetryError
from shipway.gates.measurement import Measurement
from shipway.gates.prometheus import Number, PrometheusGate, filled, number, pods_of
from shipway.prometheus import Prometheus, Sample
from tests.support.gates import context, gate, workload


def samples(*values: float) -> list[Sample]:
    return [Sample(labels={"pod": str(n)}, value=value) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("found", "value", "words"),
    [
        (samples(0.125), 0.125, "0.125"),
        (samples(), None, "no data"),
        (samples(1, 2), None, "2 series, where one is expected: {'pod': '0'}, …"),
        (samples(math.nan), None, "nan: no data to divide by"),
        (samples(math.inf), None, "inf: no data to divide by"),
    ],
)
def test_a_query_that_is_not_one_number_has_none(
    found: list[Sample], value: float | None, words: str
) -> None:
    assert number(found) == Number(value, words)


def settings(**more: Any) -> PrometheusGate:
    return PrometheusGate(**({"query": "new", "max": 0.05} | more))


OF = {"samples": "count", "minimum_samples": 10}


@pytest.mark.parametrize(
    ("gate", "numbers", "verdict", "words"),
    [
        (settings(), (0.05, None, None), "pass", "0.05, max 0.05"),
        (settings(), (0.06, None, None), "fail", "0.06, max 0.05"),
        (settings(max=None, min=0.9), (0.8, None, None), "fail", "0.8, min 0.9"),
        (settings(max=2, min=1), (1.5, None, None), "pass", "1.5, max 2, min 1"),
        (settings(), (None, None, None), "inconclusive", "-"),
        (settings(baseline="old"), (0.5, 0.48, None), "pass", "0.5 - 0.48 = 0.02, max 0.05"),
        (settings(baseline="old"), (0.5, 0.1, None), "fail", "0.5 - 0.1 = 0.4, max 0.05"),
        (settings(baseline="old"), (0.5, None, None), "inconclusive", "baseline: -"),
        (settings(**OF), (0.5, None, 9), "inconclusive", "9 of 10 samples"),
        (settings(**OF), (0.5, None, None), "inconclusive", "samples: -"),
        (settings(**OF), (None, None, 0), "inconclusive", "-; 0 of 10 samples"),
        (settings(**OF), (0.5, None, 10), "fail", "0.5, max 0.05, 10 samples"),
    ],
)
def test_what_numbers_say(
    gate: PrometheusGate, numbers: tuple[float | None, ...], verdict: str, words: str
) -> None:
    asked = [Number(each, "-" if each is None else f"{each:g}") for each in numbers]
    measurement = gate.verdict_of(*asked)
    assert (measurement.verdict, measurement.words) == (verdict, words)


def test_the_pods_of_a_workload_are_matched_and_no_others() -> None:
    deployment = pods_of([workload("Deployment", "shop")])
    assert re.fullmatch(deployment, "shop-7d4b9c8f6-x2x4z")
    assert not re.fullmatch(deployment, "shop-canary-7d4b9c8f6-x2x4z")
    both = pods_of([workload("StatefulSet", "db"), workload("DaemonSet", "log")])
    assert [bool(re.fullmatch(both, one)) for one in ("db-10", "log-x2x4z", "db-x", "log-1")] == [
        True,
        True,
        False,
        False,
    ]


def test_queries_are_filled_with_pods_and_time() -> None:
    query = 'rate(a{pod=~"$new"}[$since]) - b{pod=~"$old"} + c{d="$newer"}'
    assert filled(query, "n-.*", "o-.*", 12.4) == (
        'rate(a{pod=~"n-.*"}[12s]) - b{pod=~"o-.*"} + c{d="$newer"}'
    )
    assert filled("[$since]", "", "", 0.2) == "[1s]"


def test_a_window_never_reaches_back_before_the_cluster_had_the_step() -> None:
    assert filled("[$since]", "", "", 12.9) == "[12s]"


class Server(Prometheus):
    """Answers as it is told."""

    said: dict[str, Any]

    async def query(self, promql: str) -> list[Sample]:
        said = self.said[promql]
        if isinstance(said, Exception):
            raise said
        return samples(said)

    async def check(self, promql: str) -> None:
        if "(" in promql:
            raise RefuseError("Prometheus does not take the query.", expected="PromQL", got=promql)


async def measured(**said: Any) -> Measurement:
    server = Server(url="http://metrics", said=said)
    errors = gate(prometheus=settings(baseline="old", **OF).model_dump())
    return await errors.settings.probe(errors, context(prometheus=server)).measure()


async def test_all_three_queries_are_asked() -> None:
    measurement = await measured(new=0.2, old=0.0, count=50)
    assert measurement.verdict == "fail"
    assert measurement.words == "0.2 - 0 = 0.2, max 0.05, 50 samples"


async def test_a_query_has_the_pods_of_the_step_in_it() -> None:
    query = '{pod=~"$new"} - {pod=~"$old"}'
    pods = "-[a-z0-9]+-[a-z0-9]{5}"
    server = Server(
        url="http://metrics", said={f'{{pod=~"new{pods}"}} - {{pod=~"old{pods}"}}': 0.01}
    )
    measurement = await settings(query=query).measure(context(prometheus=server))
    assert (measurement.verdict, measurement.words) == ("pass", "0.01, max 0.05")


async def test_a_server_that_does_not_answer_is_no_answer() -> None:
    down = RetryError("Prometheus does not answer.", got="connection refused")
    measurement = await measured(new=down, old=0.0, count=50)
    assert measurement.verdict == "inconclusive"
    assert measurement.words == "Prometheus does not answer. connection refused"


async def test_a_query_that_is_no_promql_is_refused_by_its_gate() -> None:
    gate = settings(baseline="rate(")
    server = Server(url="http://metrics", said={})
    with pytest.raises(RefuseError) as caught:
        await gate.check("rollout.yaml: gates.0", server)
    assert caught.value.facts["where"] == "rollout.yaml: gates.0"
    assert caught.value.facts["got"] == "rate("
    await settings(baseline="old").check("", server)


async def test_a_gate_that_has_no_prometheus_to_ask_is_refused() -> None:
    with pytest.raises(RefuseError, match="no Prometheus to ask"):
        await settings().check("", None)
