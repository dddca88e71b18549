"""Constant load on one page, in a process of its own.

`python -m bench.rollouts.traffic URL HOST RATE FILE`.

Open loop: a request is sent when its time has come, whether or not those before it are answered,
each on a new connection. One line of JSON for each: when it was sent, and its status and text or
the error.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        at: When it was sent, in seconds since the epoch.
        status: Of the answer; 0 where there was none.
        text: Of the answer, or the error.
    """

    at: float
    status: int
    text: str

    @property
    def ok(self) -> bool:
        """Whether it was answered as asked."""
        return self.status == 200


class Traffic:
    """Load that goes on."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def so_far(self) -> list[Request]:
        """The requests that were answered up to now, by the time that they were sent."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return sorted(
            (Request(*json.loads(line)) for line in lines), key=lambda request: request.at
        )


@contextmanager
def traffic(url: str, host: str, rate: float) -> Generator[Traffic]:
    """Keep up a load until the block is left.

    Args:
        url: The page.
        host: The name to ask for.
        rate: Requests a second.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder, "requests.jsonl")
        command = [sys.executable, "-m", "bench.rollouts.traffic", url, host, str(rate), str(file)]
        process = subprocess.Popen(command)
        try:
            yield Traffic(file)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


async def send(url: str, host: str, rate: float, file: Path) -> None:
    """Send until told to end."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    with file.open("w", buffering=1) as lines:
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:

            async def ask() -> None:
                at = time.time()
                try:
                    async with session.get(url, headers={"Host": host}) as answer:
                        row = [at, answer.status, (await answer.text()).strip()]
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    row = [at, 0, repr(error)]
                lines.write(json.dumps(row) + "\n")

            begin, sent, asking = time.monotonic(), 0, set[asyncio.Task[None]]()
            while not over.is_set():
                due = int((time.monotonic() - begin) * rate)
                for _ in range(due - sent):
                    asking.add(task := asyncio.create_task(ask()))
                    task.add_done_callback(asking.discard)
                sent = due
                await asyncio.sleep(0.002)
            await asyncio.gather(*asking)


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], sys.argv[2], float(sys.argv[3]), Path(sys.argv[4])))
