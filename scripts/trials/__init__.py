"""Trials: real nodes and brokers are killed, cut off, raced and replayed, and what must hold is looked at."""
