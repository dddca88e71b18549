from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast an example runs says more about the machine than about the code.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
