"""From a world that breaks a property to the least that breaks it, and the cases that are kept of such worlds."""
