"""Runs scripts on an installation for its tests: `python -m tests.scripts`, one script a line, as JSON; so are the answers.

Each runs in a process of its own that finds everything imported: a start of Django would take seconds each time.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import traceback

import django


def main() -> None:
    """Serve scripts until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # Whatever else is said is no answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    django.setup()
    importlib.import_module("tests.world")
    for line in sys.stdin:
        if os.fork() == 0:
            print(json.dumps(run(json.loads(line))), file=answers, flush=True)
            # Without the end of the process it was forked from.
            os._exit(0)
        os.wait()


def run(script: str) -> dict[str, str]:
    """Run a script; return what it printed, and how it failed."""
    said, failed = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(said):
            exec(script, {"__name__": "script"})
    except Exception:
        failed = traceback.format_exc()
    return {"said": said.getvalue(), "failed": failed}


if __name__ == "__main__":
    main()
