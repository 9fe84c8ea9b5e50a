"""The administration in a real browser: no foreign request, no report, nothing beside the window, in two languages."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows, make_like
from tests.servers import Stack

PAGES = (
    "",
    "accounts/user/",
    "accounts/user/add/",
    "accounts/apitoken/add/",
    "routing/queue/",
    "routing/queue/1/change/",
    "routing/businesshours/2/change/",
    "routing/policy/",
    "routing/assignment/",
    "routing/workitem/",
    "interactions/site/",
    "interactions/site/1/change/",
    "interactions/interaction/",
    "interactions/case/",
    "customers/customer/",
    "core/auditentry/",
)
HEADINGS = {"en": "Settings", "ru": "Настройки"}


def speak(installation: Stack, language: str) -> None:
    change = f"User.objects.filter(username='alexa').update(language='{language}')"
    installation.run(f"from cxcenter.accounts.models import User; {change}")


@pytest.fixture(scope="module")
def alexa(installation: Stack) -> None:
    make_like(installation, "admin", "alexa")


@pytest.fixture
def admin(installation: Stack, alexa: None, windows: Windows) -> Page:
    speak(installation, "en")
    page = windows.sign_in(installation.url, "alexa")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


@pytest.mark.parametrize("language", ["en", "ru"])
def test_pages_ask_nobody_else_and_fit(installation: Stack, admin: Page, language: str) -> None:
    speak(installation, language)
    foreign: list[str] = []
    complaints: list[str] = []
    ours = (installation.url, "data:", "blob:")
    admin.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(ours) else None)
    admin.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for address in PAGES:
        admin.goto(f"{installation.url}/admin/{address}")
        expect(admin.locator("h1").first).to_be_visible()
        wide = admin.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, address
    admin.goto(f"{installation.url}/admin/")
    expect(admin.get_by_role("heading", level=1)).to_have_text(HEADINGS[language])
    assert foreign == []
    assert complaints == []


def test_the_tag_is_copied(installation: Stack, admin: Page) -> None:
    admin.goto(f"{installation.url}/admin/interactions/site/")
    admin.get_by_role("button", name="Copy").click()
    expect(admin.get_by_role("button", name="✓")).to_be_visible()
    tag = f'<script src="{installation.url}/widget.js" data-site="demo" async></script>'
    assert admin.evaluate("navigator.clipboard.readText()") == tag


def test_a_token_is_issued_and_revoked(installation: Stack, admin: Page) -> None:
    admin.goto(f"{installation.url}/admin/accounts/apitoken/add/")
    admin.locator("#main").get_by_role("combobox").first.click()
    admin.locator(".select2-search__field").fill("integrator")
    admin.get_by_role("option", name="Norda Dealer system").click()
    admin.get_by_label("Name").fill("Browser test")
    admin.get_by_label("read timelines").check()
    admin.get_by_role("button", name="Save", exact=True).click()
    secret = admin.locator("#secret").inner_text()
    assert re.fullmatch(r"cx_[\w-]{20,}", secret)
    call = {"headers": {"Authorization": f"Bearer {secret}"}}
    assert admin.request.get(f"{installation.url}/api/v1/events/", **call).status == 200
    admin.get_by_role("link", name="I have copied it").click()
    row = admin.get_by_role("row").filter(has_text="Browser test")
    row.get_by_role("checkbox").check()
    admin.locator("select[name=action]").select_option("revoke")
    admin.get_by_role("button", name="Run").click()
    expect(row).to_contain_text("revoked")
    assert admin.request.get(f"{installation.url}/api/v1/events/", **call).status == 401
