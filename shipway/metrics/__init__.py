"""What Git, the agents and Prefect know, as metrics for Prometheus."""
