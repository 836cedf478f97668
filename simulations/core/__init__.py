"""What a simulated world stands on: its loop, its dice, its guard. Nothing here knows a node."""
