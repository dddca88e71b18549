"""Work pools whose runs or shards have pods or containers of their own."""
