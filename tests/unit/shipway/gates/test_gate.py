from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from shipway.config.rollout import read_rollout
from shipway.errors import RefuseError
from shipway.gates import GATE_KINDS
from shipway.gates.gate import Gate, GateContext, GateProbe, GateSettings
from shipway.gates.http import HttpGate
from shipway.gates.measurement import Measurement
from shipway.gates.run import check_gates
from shipway.prometheus import Prometheus
from tests.support.gates import context, gate

FILE = """\
strategy: rolling
namespace: shop
images:
- {file: web.yaml, container: web}
gates:
- name: lookup
"""


class DnsGate(GateSettings):
    """A name that must be known: a kind of gate from outside the package."""

    host: str

    async def check(self, where: str, prometheus: Prometheus | None) -> None:
        if "." not in self.host:
            raise RefuseError("The host has no domain.", where=where, got=self.host)

    def probe(self, gate: Gate, context: GateContext) -> GateProbe:
        return gate.probe_with(partial(self.measure, context))

    async def measure(self, context: GateContext) -> Measurement:
        known = f"{context.namespace}.example"
        verdict = "pass" if self.host == known else "fail"
        return Measurement(verdict=verdict, words=f"{known} is known")


async def test_a_kind_of_gate_from_outside_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GATE_KINDS, "dns", DnsGate)
    text = f"{FILE}  interval_seconds: 3\n  dns: {{host: shop.example}}\n"
    [lookup] = read_rollout(text).gates
    assert lookup.settings == DnsGate(host="shop.example")
    probe = lookup.settings.probe(lookup, context())
    assert (probe.name, probe.interval_seconds) == ("lookup", 3)
    assert (await probe.measure()).verdict == "pass"


@pytest.mark.parametrize(
    ("settings", "only_looks"),
    [
        ({"http": {"service": "shop"}}, True),
        ({"prometheus": {"query": "a > 1", "max": 0}}, True),
        ({"job": {"command": ["true"]}}, False),
    ],
)
def test_a_gate_says_what_it_asks_and_a_job_does_more_than_look(
    settings: dict[str, Any], only_looks: bool
) -> None:
    made = gate(**settings)
    assert (made.asks, made.settings.only_looks) == (settings, only_looks)


async def test_a_kind_from_outside_is_refused_like_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = "consecutive_failures, {}http, inconclusive_timeout_seconds"
    refusal = refused("  dns: {host: a.b}\n")
    assert refusal.what == "Unknown key 'gates.0.dns'."
    assert known.format("") in str(refusal.facts["expected"])
    monkeypatch.setitem(GATE_KINDS, "dns", DnsGate)
    refusal = refused("  dsn: {host: a.b}\n")
    assert refusal.what == "Unknown key 'gates.0.dsn' (did you mean 'dns'?)."
    assert known.format("dns, ") in str(refusal.facts["expected"])
    refusal = refused("  dns: {host: 1}\n")
    assert refusal.what == "The value of 'gates.0.dns.host' is not valid."
    assert refusal.facts["where"] == "rollout.yaml:7"
    refusal = refused("  http: {service: a}\n  dns: {host: a.b}\n")
    assert "exactly one of prometheus, http, job, dns" in str(refusal.facts["expected"])
    gates = read_rollout(f"{FILE}  dns: {{host: a}}\n").gates
    with pytest.raises(RefuseError, match="no domain") as caught:
        await check_gates(gates, "production/shop/rollout.yaml", None)
    assert caught.value.facts["where"] == "production/shop/rollout.yaml: gates.0 (lookup)"


def refused(keys: str) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        read_rollout(FILE + keys)
    return caught.value


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ("prometheus: {query: a, max: x}", "The value of 'gates.0.prometheus.max' is not valid."),
        ("prometheus: {max: 1}", "The key 'gates.0.prometheus.query' is missing."),
        ("promtheus: {}", "Unknown key 'gates.0.promtheus' (did you mean 'prometheus'?)."),
        ("job: {comand: [a]}", "Unknown key 'gates.0.job.comand' (did you mean 'command'?)."),
        ("interval: 1", "The key 'gates.0.interval' is called 'interval_seconds' today."),
        ("failures: 1", "The key 'gates.0.failures' is called 'consecutive_failures' today."),
        (
            "patience: 1",
            "The key 'gates.0.patience' is called 'inconclusive_timeout_seconds' today.",
        ),
        (
            "http: {service: a, timeout: 1}",
            "The key 'gates.0.http.timeout' is called 'timeout_seconds' today.",
        ),
        (
            "job: {command: [a], timeout: 1}",
            "The key 'gates.0.job.timeout' is called 'timeout_seconds' today.",
        ),
    ],
)
def test_an_error_says_where_the_key_stands(keys: str, what: str) -> None:
    refusal = refused(f"  {keys}\n")
    assert (refusal.what, refusal.facts["where"]) == (what, "rollout.yaml:7")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"prometheus": {"query": "a"}}, "max or min"),
        ({"prometheus": {"query": "a", "max": 1, "samples": "b"}}, "belong together"),
        ({"prometheus": {"query": "a", "max": 1, "minimum_samples": 2}}, "belong together"),
        ({"http": {}}, "exactly one of url and service"),
        ({"http": {"url": "ftp://a"}}, "pattern"),
        ({"http": {"url": "http://a", "service": "b"}}, "exactly one of url and service"),
        ({"job": {"command": []}}, "at least 1 item"),
        ({}, "exactly one of prometheus, http, job"),
        ({"job": {"command": ["a"]}, "http": {"service": "b"}}, "exactly one of prometheus"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        gate(**keys)


async def test_a_gate_measures_as_often_as_its_keys_say() -> None:
    page = gate(http={"service": "web"}, consecutive_failures=2, inconclusive_timeout_seconds=7)
    assert page.settings == HttpGate(service="web")
    probe = page.settings.probe(page, context())
    assert (probe.name, probe.interval_seconds) == ("errors", 10)
    assert (probe.consecutive_failures, probe.inconclusive_timeout_seconds) == (2, 7)
    await page.settings.check("rollout.yaml", None)
