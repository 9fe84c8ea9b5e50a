"""Statements on the way of every message, written out, and planned once by each connection.

Compiled by the ORM and planned by PostgreSQL anew for each message, they cost several times what it takes to run them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

UNFLUSHED = "SET LOCAL synchronous_commit TO off"


@contextmanager
def unflushed(first: str = "") -> Iterator[None]:
    """A transaction whose commit does not wait for the disk: for what is done again if the database dies at this moment.

    Whatever is written later and flushed flushes it, too. Inside a larger transaction it waits as that does. `first` is a
    statement that it begins with, on the same way to the server.
    """
    begin = [first] if connection.in_atomic_block else [UNFLUSHED, first]
    with transaction.atomic():
        if any(begin):
            with connection.cursor() as cursor:
                cursor.execute("; ".join(filter(None, begin)))
        yield


class Statement:
    """SQL with parameters `%(name)s`, each of which has a type of PostgreSQL: `Statement("held", SQL, talk="bigint")`."""

    def __init__(self, name: str, sql: str, **types: str) -> None:
        numbers = {parameter: f"${number}" for number, parameter in enumerate(types, start=1)}
        self._name = name
        self._prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {sql % numbers}"
        given = (f"%({parameter})s::{type_}" for parameter, type_ in types.items())
        self._execute = f"EXECUTE {name} ({', '.join(given)})"

    def row(self, **values: Any) -> tuple[Any, ...] | None:
        """Run it and return its first row."""
        with self._run(values) as cursor:
            found: tuple[Any, ...] | None = cursor.fetchone()
        return found

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Run it and return its rows."""
        with self._run(values) as cursor:
            return list(cursor.fetchall())

    def run(self, **values: Any) -> None:
        """Run it for what it does."""
        with self._run(values):
            pass

    def run_unflushed(self, **values: Any) -> None:
        """Run what may just as well be undone by a crash of the database: its commit does not wait for the disk.

        Two statements of one message are one transaction. Inside a larger one it waits as that does.
        """
        with self._run(values, "" if connection.in_atomic_block else f"{UNFLUSHED}; "):
            pass

    @contextmanager
    def _run(self, values: dict[str, Any], before: str = "") -> Iterator[Any]:
        values = {name: _array(value) if isinstance(value, list) else value for name, value in values.items()}
        with connection.cursor() as cursor:
            # Of our own backend; a connection that was made anew knows none (core/postgresql/base.py).
            prepared: dict[str, Any] = connection.prepared  # type: ignore[attr-defined]
            if self._name not in prepared:
                prepare(cursor, self._prepare)
                # Neither a rollback nor an error of a later statement undoes it.
                prepared[self._name] = self
            cursor.execute(before + self._execute, values)
            yield cursor


def prepare(cursor: Any, sql: str, values: Any = None) -> None:
    """Let the server plan a statement, past the log of queries: it is part of making the connection, not of a request."""
    with connection.wrap_database_errors:
        cursor.cursor.execute(sql, values)


def _array(values: list[Any]) -> str:
    """Return an array as PostgreSQL reads it from one string: an expression for each element costs both sides more."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
