"""A gate on a page that must answer."""

from __future__ import annotations

import httpx

from shipway.gates.measurement import Measurement
from shipway.gates.settings import Gate, HttpGate
from shipway.kubernetes.client import NO_ANSWER, KubeClient


class PageLooker:
    """Asks for the page, by its URL or through the cluster's API server."""

    def __init__(self, gate: Gate, settings: HttpGate, client: KubeClient, namespace: str):
        self.name, self.interval = gate.name, gate.interval_seconds
        self.failures, self.patience = gate.consecutive_failures, gate.inconclusive_timeout_seconds
        self._settings, self._client, self._namespace = settings, client, namespace

    async def look(self) -> Measurement:
        """Look once; a server that takes the request and does not answer fails."""
        settings = self._settings
        try:
            if settings.url is None:
                status, text = await self._through_api_server(str(settings.service))
            else:
                async with httpx.AsyncClient(timeout=settings.timeout_seconds) as client:
                    answer = await client.get(settings.url)
                    status, text = answer.status_code, answer.text
        except (httpx.ReadTimeout, TimeoutError):
            return Measurement(
                verdict="fail", words=f"no answer within {settings.timeout_seconds:g} s"
            )
        except (httpx.HTTPError, *NO_ANSWER) as error:
            words = f"not reached: {error or type(error).__name__}"
            return Measurement(verdict="inconclusive", words=words)
        return judge(settings, status, text)

    async def _through_api_server(self, service: str) -> tuple[int, str]:
        settings = self._settings
        port = f":{settings.port}" if settings.port else ""
        path = f"/api/v1/namespaces/{self._namespace}/services/{service}{port}/proxy"
        return await self._client.text(f"{path}{settings.path}", settings.timeout_seconds)


def judge(settings: HttpGate, status: int, text: str) -> Measurement:
    """What an answer says."""
    if status != settings.status:
        return Measurement(verdict="fail", words=f"status {status}, not {settings.status}")
    if settings.contains is not None and settings.contains not in text:
        return Measurement(verdict="fail", words=f"no {settings.contains!r} in the answer")
    return Measurement(verdict="pass", words=f"status {status}")
