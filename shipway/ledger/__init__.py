"""The ledger: what each test did before, per app and layer."""
