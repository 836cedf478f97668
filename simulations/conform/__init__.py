"""`handclasp conform`: the protocol's rules, tried on any implementation that speaks the protocol at a URL."""
