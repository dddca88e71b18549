"""Where versions come from: each environment before another one has to be there, and before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shipway.app_environment import AppEnvironment
from shipway.config.rollout import FILE
from shipway.errors import RefuseError


def check_sources(where: AppEnvironment, sources_of: Callable[[str], Sequence[str] | None]) -> None:
    """See that versions can come to an environment by promotions.

    Args:
        where: The app, and the environment.
        sources_of: What an environment takes its versions from; None where the app is not in it.

    Raises:
        RefuseError: A source is not there, or takes its versions from this environment in turn.
    """
    for source in sources_of(where.environment) or ():
        if sources_of(source) is None:
            raise RefuseError(
                f"{where.environment!r} takes {where.app!r} from an environment that is not there.",
                where=f"{where.folder}/{FILE}",
                expected=f"{source}/{where.app}/{FILE}",
                got=f"promotion.source: {source}",
                remedy="name an environment that the app is in, or write that file first",
            )
    ways: list[tuple[str, ...]] = [(where.environment,)]
    for way in ways:
        for source in sources_of(way[-1]) or ():
            if source == where.environment:
                raise RefuseError(
                    f"{where.environment!r} takes {where.app!r} from itself in the end.",
                    where=f"{where.folder}/{FILE}",
                    expected="promotions that begin at an environment without `promotion`",
                    got=" ← ".join((*way, source)),
                    remedy="have the first environment take releases, and no promotion",
                )
            if all(source not in each for each in ways):
                ways.append((*way, source))
