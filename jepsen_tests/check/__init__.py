"""The checkers, one a file: a history goes in, a verdict comes out. None does any I/O."""
