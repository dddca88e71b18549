"""What a layer of an app's pyramid asks for, and what a run of it comes to."""
