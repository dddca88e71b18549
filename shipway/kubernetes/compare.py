"""What the cluster has of objects that others apply, compared with Git; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence

from kubernetes_asyncio.client import ApiException
from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.kubernetes.apply_object import Change, apply_object
from shipway.kubernetes.client import KubeClient
from shipway.kubernetes.ignored import ignored_fields
from shipway.kubernetes.membership import identities
from shipway.kubernetes.objects import KubeObject
from shipway.kubernetes.refused import is_passing, refused, words_about


class Comparison(BaseModel):
    """What differs from Git.

    Attributes:
        differs: Of each object that differs, in which fields; in none where it is missing.
        not_compared: Why some could not be compared, each in words.
    """

    model_config = ConfigDict(frozen=True)

    differs: tuple[Change, ...] = ()
    not_compared: tuple[str, ...] = ()


async def compare(client: KubeClient, namespace: str, objects: Sequence[KubeObject]) -> Comparison:
    """See what the API server would change, if it were told what Git says.

    What another controller owns is left out, as it is where Shipway applies. A Job that is missing
    may have run.

    Args:
        client: The cluster.
        namespace: Namespace of every object that names none.
        objects: What Git says.

    Raises:
        RefuseError: An object stands twice, or cannot do without a field that it ignores.
        RetryError: The API server is overloaded or fails.
    """
    known_as = await identities(client, objects, namespace)
    ignored = ignored_fields(objects, known_as)
    differs, not_compared = list[Change](), list[str]()
    for each, identity in zip(objects, known_as, strict=True):
        try:
            change, _ = await apply_object(
                client,
                each,
                identity.namespace,
                None,
                ignored[identity],
                has_run=each.kind == "Job",
                drifts=True,
                # Drift that is left is only asked about, as a dry run.
                heal=False,
            )
        except ApiException as error:
            if is_passing(error):
                raise refused(error, each) from error
            not_compared.append(f"{each.title}: {words_about(error, each)}")
        except RefuseError as error:
            not_compared.append(f"{each.title}: {error.what}")
        else:
            if change.action != "unchanged":
                differs.append(change)
    return Comparison(differs=tuple(differs), not_compared=tuple(not_compared))
