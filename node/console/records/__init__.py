"""The records of the instance, as an admin looks at them in the console: what a client did."""
