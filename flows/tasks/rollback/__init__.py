"""Roll back: an earlier release again, and a hold on the one that failed."""
