"""Where the numbers of a running service are: Prometheus, or what answers its queries."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from shipway.errors import RefuseError, RetryError


class Sample(BaseModel):
    """One series' value now."""

    model_config = ConfigDict(frozen=True)

    labels: dict[str, str]
    value: float


class Prometheus(BaseModel):
    """A server with the HTTP API of Prometheus: Thanos, Mimir and VictoriaMetrics have it too."""

    url: str = Field(description="Its address, such as http://prometheus.monitoring:9090.")
    token: SecretStr | None = Field(
        default=None, description="Bearer token, where it asks for one."
    )
    timeout_seconds: float = Field(default=10, gt=0, description="How long an answer may take.")

    async def query(self, promql: str) -> list[Sample]:
        """The values of an expression now: none, one or several series.

        Raises:
            RefuseError: The expression is no PromQL, or has no value for one moment.
            RetryError: The server does not answer, or not in its own words.
        """
        data = await self._ask("query", promql)
        if data["resultType"] == "scalar":
            return [Sample(labels={}, value=float(data["result"][1]))]
        if data["resultType"] != "vector":
            raise RefuseError(
                "The query has no single value.",
                expected="a vector or a scalar",
                got=f"a {data['resultType']} from {promql}",
            )
        return [
            Sample(labels=series["metric"], value=float(series["value"][1]))
            for series in data["result"]
        ]

    async def check(self, promql: str) -> None:
        """Whether an expression is PromQL, without a value.

        Raises:
            RefuseError: It is none; with what the server says.
            RetryError: The server does not answer.
        """
        await self._ask("format_query", promql)

    async def _ask(self, endpoint: str, promql: str) -> Any:
        """The `data` of an endpoint's answer to an expression."""
        headers = {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        url = f"{self.url.rstrip('/')}/api/v1/{endpoint}"
        try:
            async with httpx.AsyncClient(timeout=self.timeout_seconds, headers=headers) as client:
                answer = await client.post(url, data={"query": promql})
            reply = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise RetryError(
                "Prometheus does not answer.",
                where=self.url,
                expected="an answer of Prometheus' HTTP API",
                got=str(error) or type(error).__name__,
            ) from error
        if reply.get("status") == "success":
            return reply["data"]
        refused = answer.status_code in {400, 422}
        raise (RefuseError if refused else RetryError)(
            "Prometheus does not take the query." if refused else "Prometheus does not answer.",
            where=self.url,
            expected="PromQL" if refused else "an answer",
            got=f"{reply.get('error', answer.status_code)} in {promql}",
        )
