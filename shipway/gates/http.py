"""A gate on a page that must answer."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Self

import httpx
from pydantic import Field, model_validator

from shipway.gates.gate import Gate, GateContext, GateProbe, GateSettings
from shipway.gates.measurement import Measurement
from shipway.parameters import Name


class HttpGate(GateSettings):
    """A page that must answer."""

    only_looks: ClassVar[bool] = True

    url: str | None = Field(
        default=None, pattern=r"^https?://", description="The page, as Shipway's worker reaches it."
    )
    service: Name | None = Field(
        default=None, description="Or a Service, asked through the cluster's API server."
    )
    port: str = Field(default="", description="Of the Service: name or number, if it has several.")
    path: str = Field(default="/", pattern=r"^/", description="Of the Service's page.")
    status: int = Field(default=200, description="The status that the answer must have.")
    contains: str | None = Field(default=None, description="Text that must be in the answer.")
    timeout_seconds: float = Field(default=5, gt=0, description="How long an answer may take.")

    renamed: ClassVar = {"timeout": "timeout_seconds"}

    @model_validator(mode="after")
    def _one_page(self) -> Self:
        if (self.url is None) == (self.service is None):
            raise ValueError("exactly one of url and service")
        return self

    def probe(self, gate: Gate, context: GateContext) -> GateProbe:
        """Asks for the page, by its URL or through the cluster's API server."""
        return gate.probe_with(partial(self.measure, context))

    async def measure(self, context: GateContext) -> Measurement:
        """Ask for the page; a server that takes the request and does not answer fails."""
        try:
            if self.url is None:
                status, text = await context.client.text(
                    self._proxy_path(context.namespace), self.timeout_seconds
                )
            else:
                async with httpx.AsyncClient(timeout=self.timeout_seconds) as client:
                    answer = await client.get(self.url)
                    status, text = answer.status_code, answer.text
        except (httpx.ReadTimeout, TimeoutError):
            words = f"no answer within {self.timeout_seconds:g} s"
            return Measurement(verdict="fail", words=words)
        except (httpx.HTTPError, OSError) as error:
            words = f"not reached: {error or type(error).__name__}"
            return Measurement(verdict="inconclusive", words=words)
        return self.verdict_of(status, text)

    def verdict_of(self, status: int, text: str) -> Measurement:
        """What an answer says."""
        if status != self.status:
            return Measurement(verdict="fail", words=f"status {status}, not {self.status}")
        if self.contains is not None and self.contains not in text:
            return Measurement(verdict="fail", words=f"no {self.contains!r} in the answer")
        return Measurement(verdict="pass", words=f"status {status}")

    def _proxy_path(self, namespace: str) -> str:
        """The Service's page, as the API server hands it on."""
        port = f":{self.port}" if self.port else ""
        return f"/api/v1/namespaces/{namespace}/services/{self.service}{port}/proxy{self.path}"
