"""Where the numbers of a running service are."""

from __future__ import annotations

from prefect.blocks.core import Block

from blocks import logo
from shipway.prometheus import Prometheus


class Metrics(Prometheus, Block):
    """A server with the HTTP API of Prometheus: Thanos, Mimir and VictoriaMetrics have it too."""

    _block_type_name = "Metrics"
    _block_type_slug = "metrics"
    _description = "A Prometheus server; name the block like the environment that it watches."
    _logo_url = logo("webhook")
