"""Many releases over two Prefect servers and several workers, and a model of more of them."""
