"""An import in a real browser: a file with bad rows goes in, its good rows become customers, the others come back with reasons."""

import csv
import io
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Windows
from tests.browser.test_admin import speak
from tests.servers import Stack

TEXT = (
    "Номер;ФИО;Телефон;Дата рождения;Примечание\r\n"
    "1;Щукина Варвара Ильинична;8 (916) 700-10-01;14.04.1988;\r\n"
    "2;Щукин Пётр;12;;\r\n"
    "3;Щукин Олег;8 (916) 700-10-03;31.02.1990;\r\n"
    "4;Щукин Иван;=1+1;;=cmd|' /C calc'!A0\r\n"
    "5;Щукин Лев;8 (916) 700-10-05;;;лишнее\r\n"
    '6;"Щукин Глеб;8 (916) 700-10-06;;\r\n'
    "7;Щукина Анна;8 (916) 700-10-07;1991-02-03;\r\n"
)


def begin(page: Page, url: str, path: Path) -> None:
    page.goto(f"{url}/admin/customers/importrun/add/")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_label("Source").fill("browser")
    page.get_by_role("button", name="Save", exact=True).click()


def test_a_file_with_bad_rows(installation: Stack, windows: Windows, tmp_path: Path) -> None:
    speak(installation, "en")
    if "bulk" not in installation.processes:
        installation.start_worker("bulk")
    page = windows.sign_in(installation.url, "admin")
    bad = tmp_path / "broken.xlsx"
    bad.write_bytes(b"PK\x03\x04 nothing")
    begin(page, installation.url, bad)
    expect(page.get_by_text("This Excel file is damaged.")).to_be_visible()

    path = tmp_path / "Клиенты.csv"
    path.write_bytes(TEXT.encode("cp1251"))
    begin(page, installation.url, path)
    expect(page.get_by_text("Read as windows-1251.")).to_be_visible()
    # The names tell what most columns mean; the number is chosen, and the first rows are read by it.
    expect(page.get_by_label("ФИО")).to_have_value("name")
    expect(page.get_by_label("Номер")).to_have_value("")
    page.get_by_label("Номер").select_option("id")
    page.get_by_role("button", name="Show again").click()
    expect(page.get_by_role("row").filter(has_text="+79167001001")).to_contain_text("Варвара")
    expect(page.get_by_role("row").filter(has_text="This is not a date: 31.02.1990")).to_be_visible()

    page.get_by_role("button", name="Import", exact=True).click()
    # Without a reload: the page asks how far it is.
    expect(page.locator("[data-count=created] dd")).to_have_text("2", timeout=60_000)
    expect(page.locator("[data-count=rejected] dd")).to_have_text("5")
    expect(page.get_by_text("done", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejected rows").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert [row["import_row"] for row in rows] == ["3", "4", "5", "6", "7"]
    assert "phone number" in rows[0]["import_reason"] and "date" in rows[1]["import_reason"]
    assert rows[2]["Примечание"].startswith("'=cmd")
    page.goto(f"{installation.url}/admin/customers/customer/?q=Щукин")
    expect(page.get_by_text("Щукина Варвара Ильинична")).to_be_visible()
    expect(page.get_by_text("Глеб")).to_have_count(0)
