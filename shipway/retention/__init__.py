"""What may go of all that Shipway has made: what is old, and in nobody's use."""
