"""The license: a rule of the initiating side only; partners never hear of it."""
