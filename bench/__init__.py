"""Shipway beside the same workflow as a bash script: same engine, registry and Git server."""
