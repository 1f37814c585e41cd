"""Bugs to plant into the product, as proof that the harness finds what it is there to find."""
