"""The language between members: messages besides consensus, and the bytes of all of them. No I/O."""
