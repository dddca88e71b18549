"""How flows run on Prefect: their tasks' retries, names and links, blocks, reports, approvals."""
