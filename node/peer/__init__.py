"""What partners reach: one endpoint for signed envelopes."""
