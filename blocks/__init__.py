"""The only way to the outside: typed Prefect blocks and what they are made of."""
