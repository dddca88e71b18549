"""The pytest plugin as a suite gets it: its three files lie side by side on the path."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from shipway import pytest_plugin

with patch.object(sys, "path", [str(Path(str(pytest_plugin.__file__)).parent), *sys.path]):
    plugin: Any = importlib.import_module("shipway_pytest")
