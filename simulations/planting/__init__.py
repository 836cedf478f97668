"""Faults planted in a copy of the code, to see that the simulation finds them."""
