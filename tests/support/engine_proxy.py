"""A real Docker engine behind a socket that a test can cut, as an engine that dies does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

CHUNK = 2**16


class EngineProxy:
    """Passes every byte on to the sandbox's engine, until it is cut."""

    def __init__(self, socket: Path) -> None:
        self.url = f"unix://{socket}"
        self._socket = socket
        self._open: list[asyncio.StreamWriter] = []
        self._connections: list[asyncio.Task[None] | None] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._pass_on, self._socket)

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
        engine = os.environ["DOCKER_HOST"].removeprefix("unix://")
        engine_reader, engine_writer = await asyncio.open_unix_connection(engine)
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
    proxy = EngineProxy(folder / "engine.sock")
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
