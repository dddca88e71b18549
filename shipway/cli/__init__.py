"""The command `shipway`; a file here is a command of it."""
