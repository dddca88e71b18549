"""One release in a process of its own, as a worker or a CI job starts it: one.py APP REVISION."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from flows.release import release


async def main(app: str, revision: str) -> int:
    """Release up to the GitOps commit; print the flow's own seconds as the last line."""
    begin = time.perf_counter()
    state = await release(app, revision, until="commit", return_state=True)
    print(json.dumps({"flow": time.perf_counter() - begin}))
    return 0 if state.is_completed() else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2])))
