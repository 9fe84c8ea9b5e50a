"""Waits for the first telephone exchange: a small process, where there is none, in place of one with all of Django.

`manage.py exchanges` becomes this script (`execve`) when no exchange is to be kept, and this becomes that again when one is
switched on: its process id stays. Nothing of Django or of this project is imported, so that it stays small.
"""

import os
import sys
import time

# Settings change seldom, and who switches an exchange on can wait so long.
LOOK_S = 5.0
ASKED = "SELECT EXISTS (SELECT FROM interactions_exchange WHERE active AND kind = 'asterisk')"


def main() -> None:
    """Look until there is one; then become what is named on the command line."""
    while not is_there(os.environ["CX_WAIT_DATABASE_URL"]):
        time.sleep(LOOK_S)
    os.environ.pop("CX_WAIT_DATABASE_URL")
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 — what has started us


def is_there(url: str) -> bool:
    """Ask the database; while it is away there is none."""
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.Error:
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute(ASKED)
            found = cursor.fetchone()
            return bool(found and found[0])
    except psycopg2.Error:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
