"""What a runner is: one file a runner, and one line in the registry.

A runner opens the environments that test commands run in, and finds and removes what runs have left
of them.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Literal, Protocol, runtime_checkable

from shipway.runners.environment import EnvironmentSpec, TestEnvironment

# Where the images of a layer must be: nowhere, as the runner uses none; on an engine, which built
# them or pulls them; or in the registry, where a cluster can pull them.
ImageSource = Literal["none", "engine", "registry"]


class Runner(Protocol):
    """Where test commands run.

    A runner that has no settings is made without arguments; one that has them is what the `open()`
    of their Prefect block gives.

    Attributes:
        images: Where it takes the test image and the app's from. With "none", what the tests read
            is the checkout.
        services: Whether services and the app can run beside the tests.
        block: Slug of the Prefect block type that holds its settings; None where it has none.
    """

    images: ClassVar[ImageSource]
    services: ClassVar[bool]
    block: ClassVar[str | None]

    def environment(self, spec: EnvironmentSpec) -> AbstractAsyncContextManager[TestEnvironment]:
        """An environment, ready for commands; all of it is gone afterwards.

        Raises:
            RefuseError: An image cannot be pulled, or access is denied.
            RetryError: The engine or the cluster does not answer.
            FailError: A sidecar ends or does not get ready; the error holds its last words.
        """
        ...

    async def owners(self) -> dict[str, set[str]]:
        """The flow runs that something is left of, and the processes that made it.

        A process is told as `this_process` gives it; "" where nobody knows.
        """
        ...

    async def remove(self, run: str) -> int:
        """Remove all that is left of a flow run; return how much that was."""
        ...

    async def slots(self) -> int:
        """How many shards may run at once."""
        ...


@runtime_checkable
class PreparesPlaces(Protocol):
    """A runner that can make an environment's place before anybody needs it."""

    async def prepare(self, spec: EnvironmentSpec) -> None:
        """Make the place and start its sidecars, and wait for nothing.

        `environment` takes over what it finds under the same name; otherwise `remove` removes it.

        Raises:
            RefuseError: An image is not there and cannot be pulled.
            RetryError: The engine does not answer.
        """
        ...
