"""What a run raises when the product does not keep its word."""


class BrokenPromiseError(Exception):
    """A promise was broken; the text says which, with the numbers."""
