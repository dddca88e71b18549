"""The app and environment that most tests are about."""

from __future__ import annotations

from shipway.app_environment import AppEnvironment

SHOP = AppEnvironment(app="shop", environment="prod")
