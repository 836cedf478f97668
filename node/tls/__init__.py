"""TLS of a node's own: its certificate, the links that are encrypted by it, and who trusts it on this machine."""
