from __future__ import annotations

from shipway.strategies.step import FieldRef, Ready
from shipway.strategies.variant import Variant

OLD, NEW = "shop@sha256:old", "shop@sha256:new"
WEB, PROXY = (FieldRef(file="blue.yaml", name=name) for name in ("web", "proxy"))
BLUE = Variant(
    name="blue",
    workload="Deployment/shop-blue",
    images=(WEB, PROXY),
    replicas=FieldRef(file="blue.yaml", kind="field", name="/spec/replicas"),
)


def test_a_variant_is_at_an_image_once_all_of_its_containers_are() -> None:
    assert BLUE.is_at({WEB: NEW, PROXY: NEW}, NEW)
    assert not BLUE.is_at({WEB: NEW, PROXY: OLD}, NEW)
    assert BLUE.on(NEW) == {WEB: NEW, PROXY: NEW}
    assert BLUE.ready_on(NEW) == (Ready(image=NEW, workload="Deployment/shop-blue"),)
