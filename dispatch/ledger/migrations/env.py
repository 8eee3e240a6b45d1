"""Run by Alembic, inside the transaction of `dispatch.ledger.database.migrate`, which holds the lock."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
