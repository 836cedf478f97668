"""Every world that the pure machine allows, within stated bounds: see `rules`."""
