"""A world as one page to step through: a sequence diagram, and how both sides stand at each step."""
