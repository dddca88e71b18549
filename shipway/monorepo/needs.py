"""Which service needs which: the order in which they are released."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from shipway.errors import RefuseError
from shipway.monorepo.service import Service, pipeline_of

_UNTOUCHED = "everything: no run was started"

# Each service, and all that it needs, by way of others too.
Needs = Mapping[str, frozenset[str]]


def needs_of(services: Iterable[Service], registered: Iterable[str], where: str) -> Needs:
    """What each service needs, by way of others too; each stands after all that it needs.

    Args:
        services: The services that there are at a revision.
        registered: All apps of the repository. One that is not there at the revision may be
            needed, and orders nothing.
        where: The revision, for errors.

    Raises:
        RefuseError: One needs what nobody knows, or itself, by way of others.
    """
    by_name = {service.app: service for service in services}
    known = {*by_name, *registered}
    for service in by_name.values():
        if unknown := [app for app in service.needs if app not in known]:
            raise RefuseError(
                f"{service.app} needs what is no app of its repository.",
                where=f"{where}: `needs` of {pipeline_of(service.folder)}",
                expected=f"some of {', '.join(sorted(known - {service.app}))}",
                got=", ".join(unknown),
                untouched=_UNTOUCHED,
                remedy="correct the name, or register the app: its Source Repository block is "
                "named like it",
            )
    found = dict[str, frozenset[str]]()
    for app in _in_order(by_name, where):
        direct = [other for other in by_name[app].needs if other in by_name]
        found[app] = frozenset(direct).union(*(found[other] for other in direct))
    return found


def _in_order(by_name: Mapping[str, Service], where: str) -> list[str]:
    """The services, each after those that it needs."""
    graph = {app: [one for one in by_name[app].needs if one in by_name] for app in sorted(by_name)}
    try:
        return [*TopologicalSorter(graph).static_order()]
    except CycleError as error:
        # Each is needed by the next one.
        needed_by: list[str] = error.args[1]
        cycle = pairwise(reversed(needed_by))
        raise RefuseError(
            "Services need each other in a circle: none of them could be the first.",
            where=f"{where}: `needs`",
            expected="an order in which each comes after those that it needs",
            got=", ".join(f"{one} needs {other}" for one, other in cycle),
            untouched=_UNTOUCHED,
            remedy="take one of these needs out of its pipeline.yaml",
        ) from None
