"""Real browsers on a real installation: web processes, workers, a shop on another origin."""

import os
import shutil
import zlib
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from tests.browser.phones import CUSTOMER_HZ, OPERATOR_HZ, Phones, write_tone
from tests.browser.shop import Shop
from tests.servers import Stack

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

# Cookies of those who have signed in, by installation and user.
PASSES: dict[tuple[str, str], list[dict[str, object]]] = {}


@pytest.fixture(scope="package")
def installation() -> Iterator[Stack]:
    """The demo installation, running. Its tests share people and queues, each uses operators of its own."""
    with Stack() as stack:
        stack.manage("migrate", "--verbosity=0")
        stack.manage("seed_demo")
        stack.start_web(2)
        stack.start_worker("now")
        stack.start_beat()
        yield stack


@pytest.fixture(scope="package")
def shop(installation: Stack) -> Iterator[Shop]:
    """A shop on another origin that embeds the chat."""
    with Shop(installation.url) as running:
        allow = (
            "from interactions.models import Site; site = Site.objects.get(key='demo'); "
            f"site.origins = ['{running.url}']; site.save()"
        )
        installation.run(allow)
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for the folder. Its driver runs an event loop in the tests' own thread until it ends."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "no browser found: set CHROMIUM to one, or run `make test`, which installs it"
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # Rows are asked from that thread all the same.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


LIKE = """
from cxcenter.accounts.models import User
from tests import world
other = User.objects.get(username="{other}")
rights = {{"is_staff": other.is_staff, "is_superuser": other.is_superuser}}
user = world.make_user("{name}", other.role, other.team, language="en", **rights)
user.supervised_teams.set(other.supervised_teams.all())
"""


def make_like(installation: Stack, other: str, name: str) -> None:
    """Make a person of a file's own, who speaks English and stands where somebody of the demo does.

    Whoever changes a language or a choice of a person of the demo changes it for all files.
    """
    installation.run(LIKE.format(other=other, name=name))


class Troubles(list[str]):
    """What a page complained about: script errors, CSP reports, failed requests, but for those a test makes itself."""

    own: str | None = None

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.append(f"script: {error}"))
        page.on("console", lambda m: self.append(f"console: {m.text}") if "Content Security" in m.text else None)
        page.on("response", self._keep)

    def _keep(self, response: Response) -> None:
        made_here = self.own is not None and response.url.endswith(self.own)
        if response.status >= 500 and not made_here:
            self.append(f"{response.status} {response.url}")


@pytest.fixture
def troubles() -> Iterator[Troubles]:
    """Fails the test at its end if any page had a script error, a CSP report or an error of the server."""
    found = Troubles()
    yield found
    assert not found, found


@pytest.fixture
def windows(chromium: Browser, troubles: Troubles) -> Iterator["Windows"]:
    opened = Windows(chromium, troubles)
    yield opened
    opened.close()


class Windows:
    """Opens separate browsers (contexts) and closes them at the end."""

    def __init__(self, browser: Browser, troubles: Troubles | None) -> None:
        self.browser, self.troubles = browser, troubles
        self.contexts: list[BrowserContext] = []

    def open(self, width: int = 1366, height: int = 768, **options: object) -> Page:
        context = self.browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        if self.troubles is not None:
            self.troubles.watch(page)
        return page

    def sign_in(self, url: str, user: str, **options: object) -> Page:
        """Sign in by the form, or show the pass that this user was given there before: checking a password is slow on purpose."""
        page = self.open(**options)
        page.context.add_cookies(PASSES.get((url, user), []))
        page.goto(f"{url}/")
        if "/sign-in/" in page.url:
            page.get_by_label("User name").or_(page.get_by_label("Имя пользователя")).fill(user)
            page.get_by_label("Password").or_(page.get_by_label("Пароль")).fill("demo")
            page.get_by_role("button", name="Sign in").or_(page.get_by_role("button", name="Войти")).click()
            page.wait_for_url(lambda address: "/sign-in/" not in address)
            PASSES[url, user] = [one for one in page.context.cookies() if one["name"] == settings.SESSION_COOKIE_NAME]
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture(scope="module")
def speak(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[float], Browser]]:
    """Start a browser whose microphone gives a tone."""
    folder = tmp_path_factory.mktemp("tones")
    begun: dict[float, Browser] = {}
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")

    def start(hz: float) -> Browser:
        if hz in begun:
            return begun[hz]
        tone = write_tone(folder / f"{hz}.wav", hz)
        flags = [
            *FLAGS,
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={tone}",
            "--allow-loopback-in-peer-connection",
        ]
        begun[hz] = chromium.browser_type.launch(executable_path=path, args=flags)
        return begun[hz]

    yield start
    for browser in begun.values():
        browser.close()


@pytest.fixture
def phones(
    installation: Stack, troubles: Troubles, speak: Callable[[float], Browser], request: pytest.FixtureRequest
) -> Iterator[Phones]:
    desks, pages = Windows(speak(OPERATOR_HZ), troubles), Windows(speak(CUSTOMER_HZ), troubles)
    yield Phones(installation, desks, pages, f"phone{zlib.crc32(request.node.name.encode()) % 10_000}")
    desks.close()
    pages.close()


@pytest.fixture
def operator_browser(speak: Callable[[float], Browser]) -> Browser:
    """A browser whose microphone gives the operator's tone."""
    return speak(OPERATOR_HZ)
