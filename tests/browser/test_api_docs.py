"""The documentation page of the API: it works under the strict content policy, and its calls pass CSRF."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Windows
from tests.servers import Stack


def wait_for_schema(page: Page) -> None:
    """A process writes the schema when it is asked for the first time."""
    expect(page.get_by_role("heading", name="CX Center API")).to_be_visible(timeout=30_000)


def operation(page: Page, method: str, path: str) -> Locator:
    found = page.locator(".opblock").filter(has=page.locator(f'[data-path="{path}"]')).filter(has_text=method)
    found.first.locator("button").first.click()
    return found.first


def execute(found: Locator) -> Locator:
    found.get_by_role("button", name="Execute").click()
    return found.locator(".live-responses-table tbody .response-col_status").first


def test_an_integrator_is_led_to_it_and_sees_every_object(installation: Stack, windows: Windows) -> None:
    page = windows.sign_in(installation.url, "integrator")
    expect(page).to_have_url(f"{installation.url}/api/docs/")
    wait_for_schema(page)
    for tag in ("customers", "interactions", "cases", "queues", "operators", "events", "webhooks"):
        expect(page.locator(f"#operations-tag-{tag}")).to_be_visible()


def test_calls_are_tried_with_the_rights_of_the_browser_session(installation: Stack, windows: Windows) -> None:
    page = windows.sign_in(installation.url, "admin")
    page.goto(f"{installation.url}/api/docs/")
    wait_for_schema(page)
    listed = operation(page, "GET", "/api/v1/queues/")
    listed.get_by_role("button", name="Try it out").click()
    expect(execute(listed)).to_have_text("200")
    made = operation(page, "POST", "/api/v1/cases/")
    made.get_by_role("button", name="Try it out").click()
    made.locator("textarea.body-param__text").fill('{"subject": "Written on the documentation page"}')
    expect(execute(made)).to_have_text("201")
