"""Alembic's entry: it runs inside the node, on the connection that the node hands over."""

from alembic import context

from node.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
