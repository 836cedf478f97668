"""The command line `handclasp`."""
