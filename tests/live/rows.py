"""What tests of running processes share: a look at the database past them, and acts at the same time."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg2
import psycopg2.extras


class Rows:
    """Looks at the database over a line of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, question: str, *values: Any) -> list[dict[str, Any]]:
        line = psycopg2.connect(self.url, cursor_factory=psycopg2.extras.RealDictCursor)
        try:
            with line, line.cursor() as cursor:
                cursor.execute(question, values)
                return [dict(row) for row in cursor.fetchall()]
        finally:
            line.close()

    def tell(self, *statements: str) -> None:
        """Run statements, each outside of a transaction."""
        line = psycopg2.connect(self.url)
        line.autocommit = True
        try:
            with line.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            line.close()


def together(acts: list[Callable[[], None]]) -> None:
    """Run acts in threads; what goes wrong in one goes wrong here."""
    faults: list[BaseException] = []

    def run(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if faults:
        raise faults[0]
