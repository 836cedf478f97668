"""The node's durable memory: schema, the single writer, and the statements on it."""
