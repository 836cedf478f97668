"""Measurements of whole handshakes; see `benchmarks.handshakes`."""
