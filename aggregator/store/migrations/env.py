"""Runs the steps on the connection that ``aggregator.store.schema`` hands over."""

from alembic import context

from aggregator.store.release_tables import metadata


def run() -> None:
    """Run the steps that the command asks for."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


# Alembic runs this file; whoever only imports it, as doctest does, has no configuration.
if hasattr(context, "config"):
    run()
