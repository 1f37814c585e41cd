"""The language between members: messages besides consensus, and the bytes of all of them. No I/O.

`messages` says what there is to say, `codec` turns it into bytes and back with the checks of
`fields`, `framing` finds the messages in a stream, `handshake` is what is said before the first of
them.
"""
