"""Reports with a real browser: choose a time and a split, click a number, see its contacts, take the file."""

import csv
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.test_path import fits
from tests.servers import Stack


@pytest.fixture
def reports(installation: Stack, windows: Windows) -> Page:
    page = windows.sign_in(installation.url, "supervisor")
    page.get_by_role("navigation", name="Areas").get_by_role("link", name="Reports").click()
    expect(page).to_have_url(re.compile("/reports/$"))
    return page


def test_from_a_question_to_the_contacts_behind_a_number_and_the_file(reports: Page) -> None:
    page = reports
    table = page.get_by_role("region", name="Report", exact=True)
    expect(table.get_by_role("columnheader", name="Interval")).to_be_visible()
    expect(page.locator("#chart canvas")).to_be_visible()
    fits(page)

    # Without a reload: what is typed elsewhere stays, and the address is that of the report.
    page.evaluate("window.kept = true")
    page.get_by_text("Last month", exact=True).click()
    page.get_by_label("Interval", exact=True).select_option(label="the whole time")
    page.get_by_label("Split by").select_option(label="queue")
    head = table.get_by_role("columnheader", name="Queue")
    expect(head).to_be_visible()
    expect(page).to_have_url(re.compile("period=last_month&interval=whole&by=queue"))
    assert page.evaluate("window.kept")
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile("^Offered: "))

    table.get_by_role("link", name="Answered").click()
    expect(table.get_by_role("columnheader", name="Answered")).to_have_attribute("aria-sort", "descending")
    page.get_by_label("Metric of the chart").select_option(label="Service level")
    expect(page).to_have_url(re.compile("chart=service_level"))

    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.reader(started.value.path().open(encoding="utf-8-sig")))
    names = [row[2] for row in rows[1:]]
    cells = table.locator("tbody tr")
    expect(cells).to_have_count(len(names) - 1)
    assert [cells.nth(n).locator("th").inner_text() for n in range(len(names) - 1)] == names[:-1]

    number = cells.first.get_by_role("link").first
    told = number.inner_text()
    number.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Offered {told}")
    expect(page.get_by_role("table").locator("tbody tr")).to_have_count(min(50, int(told.replace(",", ""))))
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"/board/session/\d+/$"))
    page.go_back()
    page.get_by_role("link", name="Back to the report").click()
    expect(page.get_by_label("Metric of the chart")).to_have_value("service_level")
    expect(page.get_by_label("Interval", exact=True)).to_have_value("whole")


def test_a_wrong_question_is_told_in_its_place_and_the_form_stays(reports: Page) -> None:
    page = reports
    page.get_by_label("First day").fill("2026-03-02")
    page.get_by_label("Last day").fill("2026-03-01")
    page.get_by_role("button", name="Show").click()
    wrong = page.get_by_role("alert").filter(has_text="The last day is before the first.")
    expect(wrong).to_be_focused()
    expect(page.get_by_label("Last day")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Last day")).to_have_value("2026-03-01")
    page.get_by_text("Today", exact=True).click()
    expect(page.locator(".cx-rephead")).to_be_visible()
    expect(page.get_by_label("Last day")).not_to_have_attribute("aria-invalid", "true")
