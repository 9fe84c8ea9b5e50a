"""Starts the databases of the test session before Django's settings are read.

DJANGO_SETTINGS_MODULE is set here and not in pyproject.toml: pytest-django would read the settings
before this file runs. Tests run in two processes at once, each with databases of its own.
"""

import os

import pytest

from cxcenter.management.launch.messages import compile_catalogs
from tests import servers

os.environ["DJANGO_SETTINGS_MODULE"] = "cxcenter.settings"
servers.start_test_databases()
compile_catalogs()

import django  # noqa: E402 — needs the addresses set above

django.setup()

from tests import cleaning  # noqa: E402 — needs the settings

cleaning.install()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the browser's tests follow each other: what they share is started once.

    All that start processes of their own run one after another, in one of the two test processes.
    """
    items.sort(key=needs_browser)
    for item in items:
        if needs_browser(item):
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("browser") or item.get_closest_marker("live"):
            item.add_marker(pytest.mark.xdist_group("own processes"))


def needs_browser(item: pytest.Item) -> bool:
    """Tell whether a test drives a browser."""
    return item.nodeid.startswith("tests/browser/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Leave nothing behind for the processes that run the tests: this one only hands them out."""
    servers.stop_test_databases()
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_unconfigure() -> None:
    """Stop them at the end of the session."""
    servers.stop_test_databases()
