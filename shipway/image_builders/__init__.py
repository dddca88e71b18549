"""Where images are built: one file a kind of builder, all behind one interface."""
