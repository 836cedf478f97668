"""The parts of docs/protocol.md that are made from the code: tables, diagrams, limits, the worked example.

`python -m scripts.protocol_page` writes them anew between their marks; what stands around them is written by hand, and
tests/protocol/test_protocol_page.py holds both to the code.
"""
