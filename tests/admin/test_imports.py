"""The page "Import customers", from the file to its rejects."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from customers.imports import running, service
from customers.models import ImportRun, ImportTemplate, SourceRecord
from cxcenter.accounts.models import User
from cxcenter.core.models import AuditEntry
from tests.admin.pages import address

pytestmark = pytest.mark.django_db
TEXT = "Код;ФИО;Телефон\nA-1;Орлова Екатерина;8 916 123-45-01\nA-2;Иванов Иван;12\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def upload(page, content: bytes = TEXT.encode("cp1251"), name: str = "база.csv", **more):
    form = {"file": SimpleUploadedFile(name, content), "source": "shop", **more}
    return page.post(address(ImportRun, "add"), form, follow=True)


def fields_of(answer) -> dict[str, str]:
    """What the browser would send if the columns were left as they are."""
    form = answer.context["form"]
    values = {bound.html_name: bound.value() or "" for bound in form}
    return {name: "on" if value is True else value for name, value in values.items()}


def test_from_the_file_to_the_rejects(page, boss):
    answer = upload(page)
    body = answer.content.decode()
    run = ImportRun.objects.get()
    assert answer.redirect_chain[-1][0] == f"/admin/customers/importrun/{run.pk}/columns/"
    assert "Орлова Екатерина · Иванов Иван" in body and "+79161234501" in body and "This is not a phone number" in body
    assert "Read as windows-1251." in body
    columns = answer.redirect_chain[-1][0]
    tried = page.post(columns, {**fields_of(answer), "vouched": "on", "do": "trial"}, follow=True)
    assert "waiting" in tried.content.decode() and "data-refresh" in tried.content.decode()
    service.work(seconds=30)
    done = page.get(address(ImportRun, "change", run.pk)).content.decode()
    assert (
        "Nothing was written" in done and "On to the import" in done and not SourceRecord.objects.filter(source="shop")
    )
    page.post(columns, {**fields_of(page.get(columns)), "do": "import"}, follow=True)
    service.work(seconds=30)
    run.refresh_from_db()
    assert (run.state, run.counts, run.actor) == ("done", {"created": 1, "rejected": 1}, boss)
    assert SourceRecord.objects.get(source="shop").entered_by == boss
    assert AuditEntry.objects.filter(act="customer.import", subject=f"import:{run.pk}", actor=boss).count() == 2
    part = page.get(address(ImportRun, "change", run.pk), {"part": "1"}).content.decode()
    assert "data-refresh" not in part and "2 rows read" in part and "<html" not in part
    file = page.get(f"/admin/customers/importrun/{run.pk}/rejects/")
    assert "attachment" in file["Content-Disposition"]
    assert "Иванов Иван" in b"".join(file.streaming_content).decode()


def test_reasons_are_told_in_the_language_of_who_asked(page, boss):
    User.objects.filter(pk=boss.pk).update(language="ru")
    answer = upload(page)
    page.post(answer.redirect_chain[-1][0], {**fields_of(answer), "do": "import"})
    service.work(seconds=30)
    rejects = running.place_of(ImportRun.objects.get().rejects).read_text(encoding="utf-8-sig")
    assert "Это не похоже на номер телефона" in rejects


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"PK\x03\x04", "damaged"), (b"a,a\n1,2\n", "Two columns are called")],
)
def test_a_file_that_will_not_do_is_refused_and_not_kept(page, folder, content, words):
    answer = upload(page, content)
    assert words in answer.content.decode() and not ImportRun.objects.exists()
    assert list(folder.rglob("*-*")) == []


def test_a_large_file_and_a_taken_name_are_refused(page, monkeypatch):
    monkeypatch.setattr("customers.admin.imports.LIMIT", 0)
    assert "too large" in upload(page).content.decode()
    monkeypatch.undo()
    assert "taken by a source of the product" in upload(page, source="operator").content.decode()
    assert not ImportRun.objects.exists()


def test_a_choice_that_will_not_do_is_said_and_a_template_kept(page):
    answer = upload(page)
    columns = answer.redirect_chain[-1][0]
    chosen = {**fields_of(answer), "column-1": "city", "column-2": "city"}
    refused = page.post(columns, {**chosen, "do": "import"}).content.decode()
    assert "Two columns cannot both be" in refused and ImportRun.objects.get().state == "prepared"
    chosen["column-1"] = "name"
    kept = page.post(columns, {**chosen, "template": "shop", "vouched": "on", "do": "template"}).content.decode()
    assert "The template “shop” is kept." in kept
    template = ImportTemplate.objects.get()
    assert (
        template.meaning["columns"] == {"Код": "id", "ФИО": "name", "Телефон": "city"} and template.meaning["vouched"]
    )
    again = upload(page, template=template.pk)
    assert again.context["form"]["column-2"].value() == "city" and again.context["form"]["vouched"].value() is True


def test_stop_and_go_on(page):
    answer = upload(page)
    page.post(answer.redirect_chain[-1][0], {**fields_of(answer), "do": "import"})
    run = ImportRun.objects.get()
    act = f"/admin/customers/importrun/{run.pk}/act/"
    assert "Go on" in page.post(act, {"do": "stop"}, follow=True).content.decode()
    assert "Stop" in page.post(act, {"do": "continue"}, follow=True).content.decode()
    assert page.post(act, {"do": "explode"}).status_code == 404


def test_only_administrators(page):
    answer = upload(page)
    run = ImportRun.objects.get()
    client = Client()
    client.force_login(User.objects.get(username="supervisor"))
    for tail in ("columns/", "act/", "rejects/", "change/"):
        assert client.get(f"/admin/customers/importrun/{run.pk}/{tail}").status_code in {302, 403}
    assert answer.status_code == 200
