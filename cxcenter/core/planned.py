"""Querysets on the way of every contact, compiled and planned once by each connection.

Built by the ORM and planned by PostgreSQL anew, a query that joins some tables costs several times what it takes to run
it and to make its objects. Where no objects are wanted, a Statement (statements.py) does with less.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Generic, TypeVar

from django.db import NotSupportedError, connection, models
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError
from psycopg2.extensions import AsIs

from cxcenter.core.statements import prepare

M = TypeVar("M", bound=models.Model)


class Given(models.Expression):
    """A value that is given when the query runs, with its type of PostgreSQL: `filter(pk=Given("pk", "bigint"))`."""

    def __init__(self, name: str, type_: str) -> None:
        super().__init__(output_field=models.Field())
        self.name, self.type = name, type_

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        """Stand in the SQL as a parameter that is still to come."""
        return "%s", [self]


@models.Field.register_lookup
class Among(models.Lookup):
    """One of a list that is given when the query runs: `filter(code__among=Given("codes", "text[]"))`."""

    lookup_name = "among"

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        """Compare with any of the elements of an array."""
        left, left_parameters = self.process_lhs(compiler, connection)
        right, right_parameters = self.process_rhs(compiler, connection)
        return f"{left} = ANY{right}", [*left_parameters, *right_parameters]


class Planned(Generic[M]):
    """A queryset with values still to come: `Planned("leg_at", lambda: Assignment.objects.filter(pk=Given(…)))`.

    All that it says besides is kept as it is when it runs first: no moment, nothing of a request may stand in it.
    """

    def __init__(self, name: str, queryset: Callable[[], models.QuerySet[M]]) -> None:
        self._name, self._queryset = name, queryset

    def rows(self, **values: Any) -> list[M]:
        """Run it and return its objects."""
        # A connection that was lost is made anew first, and knows no plans.
        connection.ensure_connection()
        plan: _Plan[M] | None = connection.prepared.get(self._name)  # type: ignore[attr-defined]
        if plan is None:
            plan = _Plan(self._name, self._queryset())
            connection.prepared[self._name] = plan  # type: ignore[attr-defined]
        return plan.run(values)

    def first(self, **values: Any) -> M | None:
        """Run it and return its first object."""
        return next(iter(self.rows(**values)), None)

    def one(self, **values: Any) -> M:
        """Run it and return its object. Raises the DoesNotExist of its model if there is none."""
        found = self.first(**values)
        if found is None:
            missing: type[Exception] = self._queryset().model.DoesNotExist  # type: ignore[attr-defined]
            raise missing(f"{self._name} finds nothing for {values}.")
        return found


class _Plan(Generic[M]):
    """A queryset as one connection has planned it, and how its rows become objects."""

    def __init__(self, name: str, queryset: models.QuerySet[M]) -> None:
        query = queryset.query
        compiler = query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        given = {one.name: one for one in parameters if isinstance(one, Given)}
        if any(isinstance(one, date) for one in parameters):
            raise NotSupportedError(f"The query {name} holds a moment; it would stay that of its first run.")
        places = {one: AsIs(f"${number}") for number, one in enumerate(given, start=1)}
        values: list[Any] = [places[one.name] if isinstance(one, Given) else one for one in parameters]
        types = ", ".join(one.type for one in given.values())
        with connection.cursor() as cursor:
            prepare(cursor, f"PREPARE {name}{f' ({types})' if types else ''} AS {sql}", values)
        asked = ", ".join(f"%({one.name})s::{one.type}" for one in given.values())
        self._execute = f"EXECUTE {name}{f' ({asked})' if asked else ''}"
        self._locks = query.select_for_update
        # Django tells it nowhere else.
        self._besides = queryset._prefetch_related_lookups  # type: ignore[attr-defined]  # noqa: SLF001
        self._read(compiler)

    def _read(self, compiler: SQLCompiler) -> None:
        """Keep where in a row each object has its columns, as Django's own ModelIterable works it out for each run."""
        info = compiler.klass_info
        assert info is not None
        self._model: type[M] = info["model"]
        columns = info["select_fields"]
        self._columns = slice(columns[0], columns[-1] + 1)
        self._names = [column.target.attname for column, *_rest in compiler.select[self._columns]]
        # Typed as in the next version of Django.
        self._related = get_related_populators(info, compiler.select, compiler.connection.alias)  # type: ignore[call-arg]
        self._annotations = list(compiler.annotation_col_map.items())
        self._compiler = compiler
        self._converters = compiler.get_converters([column for column, *_rest in compiler.select])

    def run(self, values: dict[str, Any]) -> list[M]:
        if self._locks and connection.get_autocommit():
            raise TransactionManagementError(f"{self._execute} locks rows; that needs a transaction.")
        with connection.cursor() as cursor:
            cursor.execute(self._execute, values)
            rows: Iterable[Any] = cursor.fetchall()
        if self._converters:
            rows = self._compiler.apply_converters(rows, self._converters)
        found = [self._object(row) for row in rows]
        if self._besides:
            models.prefetch_related_objects(found, *self._besides)
        return found

    def _object(self, row: Any) -> M:
        made: M = self._model.from_db(connection.alias, self._names, row[self._columns])
        for related in self._related:
            related.populate(row, made)
        for name, column in self._annotations:
            setattr(made, name, row[column])
        return made
