"""Pure plans: from what Git says now to what it shall say, as steps. No I/O, no Prefect.

A strategy is one file, and one line here.
"""

from shipway.strategies.blue_green import BlueGreenSettings
from shipway.strategies.canary import CanarySettings
from shipway.strategies.rolling import RollingSettings
from shipway.strategies.strategy import StrategySettings

# Each as `strategy` in rollout.yaml; its keys stand in the section of that name, with _ for -.
STRATEGIES: dict[str, type[StrategySettings]] = {
    "rolling": RollingSettings,
    "blue-green": BlueGreenSettings,
    "canary": CanarySettings,
}
