"""What the API server keeps of who holds which fields of an object, and since when."""

from __future__ import annotations

from tests.support.kube_objects import Object, ago

SPEC: Object = {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {}}}}
REPLICAS: Object = {"f:spec": {"f:replicas": {}}}
CONDITIONS: Object = {"f:status": {"f:conditions": {'k:{"type":"Ready"}': {"f:status": {}}}}}


def held(
    body: Object,
    seconds: float | None,
    fields: Object,
    manager: str = "flux",
    subresource: str = "",
) -> Object:
    """The object, of which a manager changed one of its fields some seconds ago."""
    entry: Object = {"manager": manager, "operation": "Update", "fieldsV1": fields}
    entry |= {"time": ago(seconds)} if seconds is not None else {}
    entry |= {"subresource": subresource} if subresource else {}
    metadata = body["metadata"]
    entries = [*metadata.get("managedFields", []), entry]
    return {**body, "metadata": {**metadata, "managedFields": entries}}
