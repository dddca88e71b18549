"""What `shipway init` sees in an app's checkout, and the files that it makes of it."""
