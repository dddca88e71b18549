"""A gauge of which only what is known has a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.core import GaugeMetricFamily

# The values of the labels, and the value.
Sample = tuple[Sequence[str], float]


def gauge(
    name: str, documentation: str, labels: Sequence[str], samples: Iterable[Sample]
) -> GaugeMetricFamily:
    """A gauge with these samples, and no others."""
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
