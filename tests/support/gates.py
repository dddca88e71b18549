"""What gates are given in tests."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

from shipway.gates import gate_model
from shipway.gates.gate import Gate, GateContext
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.objects import KubeObject


def gate(**keys: Any) -> Gate:
    """A gate, as a file has it."""
    return gate_model().model_validate({"name": "errors", **keys})


def workload(kind: str, name: str) -> KubeObject:
    """A workload of that name."""
    return KubeObject(
        file="a.yaml", api_version="apps/v1", kind=kind, name=name, namespace=None, body={}
    )


def context(client: object = None, **more: Any) -> GateContext:
    """A step of an app in namespace `shop`; `client` stands in for the cluster."""
    made = GateContext(
        client=cast("KubeClient", client),
        namespace="shop",
        image="shop@sha256:new",
        prometheus=None,
        new=[workload("Deployment", "new")],
        old=[workload("Deployment", "old")],
        since=time.monotonic(),
    )
    return replace(made, **more)
