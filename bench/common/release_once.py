"""One release in a process of its own: `python -m bench.common.release_once APP REVISION`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from flows.release import release


async def main(app: str, revision: str) -> int:
    """Release up to the GitOps commit."""
    # Prefect types it as the state, and it has to be awaited.
    running: Any = release(app, revision, until="commit", return_state=True)
    state = await running
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2])))
