"""One app in one environment: what Git says now, and what a release changes there."""
