"""A real engine or buildkitd behind an address that a test can cut, as one that dies does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

CHUNK = 2**16

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PassOn = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class EngineProxy:
    """Passes every byte on, until it is cut."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self.url = ""
        self._connect = connect
        self._open: list[asyncio.StreamWriter] = []
        self._connections: list[asyncio.Task[None] | None] = []
        self._server: asyncio.Server | None = None

    async def start(self, listen: Callable[[PassOn], Awaitable[asyncio.Server]]) -> None:
        """Listen."""
        self._server = await listen(self._pass_on)
        name = self._server.sockets[0].getsockname()
        self.url = f"unix://{name}" if isinstance(name, str) else "tcp://{}:{}".format(*name)

    def cut(self) -> None:
        """Close every connection, and take no more."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def close(self) -> None:
        """Cut it, and wait until nothing is passed on."""
        self.cut()
        await asyncio.gather(*filter(None, self._connections))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.append(asyncio.current_task())
        engine_reader, engine_writer = await self._connect()
        self._open += [writer, engine_writer]
        await asyncio.gather(_copy(reader, engine_writer), _copy(engine_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


@asynccontextmanager
async def engine_proxy(folder: Path) -> AsyncGenerator[EngineProxy]:
    """A proxy in front of the engine; its socket is in the folder."""
    socket, engine = folder / "engine.sock", os.environ["DOCKER_HOST"].removeprefix("unix://")
    proxy = EngineProxy(lambda: asyncio.open_unix_connection(engine))
    await proxy.start(lambda pass_on: asyncio.start_unix_server(pass_on, socket))
    try:
        yield proxy
    finally:
        await proxy.close()


@asynccontextmanager
async def buildkit_proxy() -> AsyncGenerator[EngineProxy]:
    """A proxy in front of the first buildkitd, on this machine's loopback."""
    behind = urlsplit(os.environ["SHIPWAY_SANDBOX_BUILDKIT"])
    proxy = EngineProxy(lambda: asyncio.open_connection(behind.hostname, behind.port))
    await proxy.start(lambda pass_on: asyncio.start_server(pass_on, "127.0.0.1", 0))
    try:
        yield proxy
    finally:
        await proxy.close()
