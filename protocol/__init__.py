"""The Handclasp protocol, version 1: pure functions and values, no clock, no dice, no sockets.

Start with `protocol.tables` (what a connection does), then `protocol.envelope` (a message) and
`protocol.invitation` (the code that a person carries).
"""
