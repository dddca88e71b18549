"""A small shop: products, a cart that knows its price, and orders."""
