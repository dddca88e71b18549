"""How long a release waits that lost a race."""

from __future__ import annotations

import random
from collections.abc import Sequence

_LONGEST_SECONDS = 20.0
_SHORTEST_ATTEMPT_SECONDS = 0.1


def pause_seconds(attempts: Sequence[float]) -> float:
    """A random pause before the next attempt; its range grows by the same amount each time.

    The unit is the shortest attempt so far: that is what one takes, and the longer ones were held
    up by those that they raced with. Ranges that grow evenly let about as many try at a time as can
    win, and leave no long pauses to the last ones, as ranges that double do.

    Args:
        attempts: How many seconds each attempt so far took, without its wait for a turn; none where
            it never had one.
    """
    shortest = max(min(attempts, default=0.0), _SHORTEST_ATTEMPT_SECONDS)
    longest = min(4 * shortest * max(len(attempts), 1), _LONGEST_SECONDS)
    return random.uniform(0, longest)  # noqa: S311  # a pause, not a secret
