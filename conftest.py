"""Starts the databases of the test session before Django's settings are read.

DJANGO_SETTINGS_MODULE is set here and not in pyproject.toml: pytest-django would read the settings
before this file runs. Tests run in two processes at once, each with databases of its own.
"""

import dataclasses
import gc
import os
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cxcenter.management.launch.messages import compile_catalogs
from cxcenter.management.launch.postgres import NAME
from tests import servers

# What is imported now stays: the collector of garbage need not look through it a hundred times meanwhile, nor after.
gc.disable()
os.environ["DJANGO_SETTINGS_MODULE"] = "cxcenter.settings"
servers.start_test_databases()
compile_catalogs()

import django  # noqa: E402 — needs the addresses set above

django.setup()

from django.conf import settings  # noqa: E402 — they exist now

from tests import cleaning  # noqa: E402 — needs the settings

cleaning.install()
# Static files are looked for when one is asked for. Else every test client, which has a chain of middleware of its
# own, would look all of them up at its first question.
settings.WHITENOISE_AUTOREFRESH = True
if servers.TABLES in os.environ:
    settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = NAME


BROWSER = "tests/browser/"
# They start whole installations and are in no hurry: a room beside that of the browser.
INSTALLATIONS = ("tests/test_launch.py", "tests/test_deploy.py", "tests/bench/")


def pytest_collection_finish() -> None:
    """Let garbage be collected from here on, but not looked for in what stays till the end: modules, models, tests."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the browser's tests follow each other: what they share is started once."""
    name_apart(items)
    items.sort(key=needs_browser)
    for item in filter(needs_browser, items):
        item.add_marker(pytest.mark.browser)


def name_apart(items: list[pytest.Item]) -> None:
    """Give each test an id of its own, or fail: of tests with one id only the last is run where several processes share them.

    schemathesis names its tests by operation, and pytest 9.2 leaves that out of their ids.
    """
    for item in items:
        params = item.name.partition("[")[2].removesuffix("]")
        if params and "[" not in item.nodeid:
            setattr(item, "_id", dataclasses.replace(item.id, params=params))  # noqa: B010 — it has no setter
    twice = [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"several tests have the id {twice[0]}")


def needs_browser(item: pytest.Item) -> bool:
    """Tell whether a test drives a browser."""
    return item.nodeid.startswith(BROWSER)


@cache
def live_tests(path: str) -> str:
    """Return a pattern of the names of a file's tests that start the product's processes on the session's databases.

    The source is asked, since the marks are known only where the tests run, not where they are handed out (xdist's
    own `loadgroup` marks ids, which pytest 9.2 does not let it do).
    """
    source = Path(path).read_text()
    if re.search(r"^pytestmark = .*mark\.live\b", source, re.MULTILINE):
        return r"\w+"
    return "|".join(re.findall(r"^@pytest\.mark\.live\n(?:@.*\n)*def (\w+)", source, re.MULTILINE)) or "none"


def room_of(nodeid: str) -> str:
    """Tell which tests run in one process, one after another: those of one room."""
    path, _, name = nodeid.partition("::")
    if path.startswith(INSTALLATIONS):
        return "installations"
    if path.startswith(BROWSER) or re.match(rf"({live_tests(path)})(\[|$)", name):
        return "own processes"
    return nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep those together that start processes of their own: what they measure is time."""
    from xdist.scheduler import LoadScopeScheduling

    class Apart(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return room_of(nodeid)

    return Apart(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Leave the tables behind for the processes that run the tests, and nothing else: this one only hands them out."""
    servers.leave_tables()
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_unconfigure() -> None:
    """Stop them at the end of the session."""
    servers.stop_test_databases()
