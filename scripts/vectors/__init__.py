"""The test vectors of the protocol: what a second implementation is held against, and our own tests too.

Everything is made by the shipped code from fixed keys, a fixed clock and fixed dice, so the same code makes the same
bytes. `python -m scripts.vectors` writes docs/vectors anew; docs/protocol.md says what each file holds.
"""
