"""A Handclasp node: a ServiceNow-style instance that connects to others, peer to peer."""
