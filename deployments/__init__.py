"""What turns the flows into a running service: blocks, work pools, deployments."""
