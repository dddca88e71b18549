"""A blue/green environment in a real Git repository, and an app with three revisions."""

from __future__ import annotations

from tests.support.colours import folder
from tests.support.origin import Origin
from tests.support.shop_environment import ShopEnvironment


class BlueGreenEnvironment(ShopEnvironment):
    """Two colours."""

    def __init__(self, ops: Origin, app: Origin) -> None:
        super().__init__(ops, app, folder(), 3)

    def says(self) -> tuple[str, dict[str, str], dict[str, int]]:
        """What Git says: the colour that is selected, and the image and replicas of each."""
        current = self.target().current
        images = {
            at.file[:-5]: str(value) for at, value in current.items() if at.kind == "container"
        }
        counts = {
            at.file[:-5]: value for at, value in current.items() if at.name == "/spec/replicas"
        }
        (colour,) = (value for at, value in current.items() if at.title == "Service/shop")
        return str(colour), images, {name: int(count) for name, count in counts.items()}
