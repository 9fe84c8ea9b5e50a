"""Files as they come: spoiled rows are refused one by one, spoiled files by one line, and nothing else changes."""

import csv
import io
import json
import random
import zipfile
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest

from customers.actions import imports as acts
from customers.imports import running
from customers.imports.mapping import Meaning, guess
from customers.imports.tables import MAX_ROW, open_table
from customers.models import Consent, Customer, CustomField, ImportRun, SourceRecord
from cxcenter.core.errors import Invalid

pytestmark = pytest.mark.django_db
HEAD = "id,name,phone,city\n"
GOOD = [f"A-{n},Kate Orlova,+7916123450{n},Tula\n" for n in range(1, 5)]


@pytest.fixture
def bring(tmp_path):
    """Import bytes as a file; return the run and the rejected rows as number → reason."""

    def run(content: bytes | str, name: str = "f.csv", **options) -> tuple[ImportRun, dict[int, str]]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        columns = options.pop("columns", None)
        with open_table(path, **options) as table:
            meaning = Meaning(columns=columns or guess(table.columns), **options)
        made = acts.prepare_import(source="crm", path=str(path), name=name, meaning=meaning)
        made = acts.start_import(run=made, meaning=meaning, rejects=f"{path}.rejects.csv")
        with running.Importer(made) as importer:
            importer.begin()
            while importer.step():
                pass
        return made, rejected(path.with_name(f"{name}.rejects.csv"))

    return run


def rejected(path) -> dict[int, str]:
    if not path.exists():
        return {}
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    return {int(row["import_row"]): row["import_reason"] for row in rows}


def kept() -> list[str]:
    return sorted(SourceRecord.objects.values_list("external_id", flat=True))


def sheet(*rows, name: str = "xl") -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


# --- Rows ---


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("A-9,Kate,+79161234509", "It has 3 cells, the heading has 4."),
        ("A-9,Kate,+79161234509,Tula,more", "It has 5 cells, the heading has 4."),
        ("A-9,Kate,12,Tula", "phone: This is not a phone number."),
        (",Kate,+79161234509,Tula", "The number in the source is empty."),
        ("A-9,,,", "There is nothing in it to keep."),
        ("A-9,Ka\x00te,,Tula", "There is a zero byte in it."),
        ("A-9,=1+1,,Tula", "name: There is a formula or an error in it"),
        ('A-9,=HYPERLINK("http://x"),,Tula', "name: There is a formula"),
        (f"A-9,{'x' * 201},,Tula", "name: Too long: 200"),
        (f"{'9' * 121},Kate,,Tula", "id: Too long: 120"),
        (f"A-9,{'x' * (MAX_ROW + 5)},,Tula", "It is longer than 1,000,000 letters."),
        (f"A-9,{'x' * 10_000_000},,Tula", "It is longer than 1,000,000 letters."),
        (f'A-9,"{"x" * 10_000_000}",,Tula', "It is longer than 1,000,000 letters."),
        ('A-9,"Kate,,Tula', "A quote is not closed"),
        ('A-9,"Ka"te",,Tula', "A quote is not closed"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_spoiled_row_is_refused_and_no_other(bring, bad, reason, place):
    rows = [*GOOD[:place], bad + "\n", *GOOD[place:]]
    run, rejects = bring(HEAD + "".join(rows))
    assert kept() == ["A-1", "A-2", "A-3", "A-4"]
    assert list(rejects) == [place + 2] and rejects[place + 2].startswith(reason)
    assert run.counts["rejected"] == 1 and run.counts["created"] == 4
    assert {customer.city for customer in Customer.objects.all()} == {"Tula"}


def test_bytes_that_are_no_letters_spoil_their_row(bring):
    content = (HEAD + "".join(GOOD[:2])).encode() + "A-9,Орлова Катя,,Тула\n".encode() + b"A-8,\xcb\xee\xe2\xe0,,Tula\n"
    _run, rejects = bring(content + GOOD[2].encode())
    assert kept() == ["A-1", "A-2", "A-3", "A-9"] and "not utf-8" in rejects[5]


def test_quoted_cells_may_have_lines_quotes_and_delimiters(bring):
    _run, rejects = bring('id,name,about\nA-1,"Orlova, ""Kate""","one\r\n\r\ntwo"\nA-2,ООО "Лес" 5",x\nA-3,Anna,\n')
    assert rejects == {}
    fields = dict(SourceRecord.objects.values_list("external_id", "fields"))
    assert fields["A-1"]["name"] == 'Orlova, "Kate"' and fields["A-1"]["about"] == "one\r\n\r\ntwo"
    assert fields["A-2"]["name"] == 'ООО "Лес" 5"' and "A-3" in fields


def test_empty_lines_are_no_rows_and_spare_delimiters_no_cells(bring):
    run, rejects = bring(f"\n\n{HEAD}\n{GOOD[0]},,,\n\nA-2,Anna,,Tver,,,\n")
    assert (kept(), rejects, run.counts["created"]) == (["A-1", "A-2"], {}, 2)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1988-04-14", "1988-04-14"), ("14.04.1988", "1988-04-14"), ("14/04/1988", "1988-04-14"), ("19880414", "1988-04-14"),
        ("1988-04-14T00:00:00", "1988-04-14"), ("14.04.1988 00:00", "1988-04-14"), ("32247", "1988-04-14"),
        ("31.02.1988", None), ("04/14/1988", None), ("soon", None), ("1288-04-14", None), ("2999-01-01", None),
        ("14.04.88", None), ("99999999999", None),
    ],
)  # fmt: skip
def test_dates_in_their_usual_spellings(bring, text, wanted):
    _run, rejects = bring(f"id,name,Дата рождения\nA-1,Kate,{text}\nA-2,Anna,\n")
    if wanted is None:
        assert kept() == ["A-2"] and rejects[2].startswith("Дата рождения: ")
    else:
        assert SourceRecord.objects.get(external_id="A-1").fields["birthday"] == wanted


def test_changed_in_the_future_is_refused_and_zones_are_read(bring):
    _run, rejects = bring(
        "id,name,updated_at\nA-1,Kate,2099-01-01\nA-2,Anna,2026-04-14 12:00\nA-3,Ann,2026-04-14T12:00+05:00\n"
    )
    times = dict(SourceRecord.objects.values_list("external_id", "at"))
    assert times == {"A-2": datetime(2026, 4, 14, 9, tzinfo=UTC), "A-3": datetime(2026, 4, 14, 7, tzinfo=UTC)}
    assert "future" in rejects[2]


# --- Encodings, delimiters ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out(bring, encoding, delimiter):
    text = (
        "Код;ФИО;Телефон;Город\r\nA-1;Орлова Екатерина Сергеевна;8 (916) 123-45-01;Тула\r\nA-2;Иванов Иван;;Тверь\r\n"
    )
    _run, rejects = bring(text.replace(";", delimiter).encode(encoding))
    assert (kept(), rejects) == (["A-1", "A-2"], {})
    kate = Customer.objects.get(city="Тула")
    assert (kate.last_name, kate.middle_name) == ("Орлова", "Сергеевна")


def test_an_encoding_that_is_named_is_taken(bring):
    bring("id,name\nA-1,Орлова\n".encode("cp866"), encoding="cp866")
    assert SourceRecord.objects.get().fields["last_name"] == "Орлова"


def test_lines_that_end_as_on_an_old_mac(bring):
    bring("id,name\rA-1,Kate\rA-2,Anna\r")
    assert kept() == ["A-1", "A-2"]


# --- Files that are none ---


def broken_sheet() -> bytes:
    whole = sheet(["id", "name"], *[[f"A-{n}", "Kate"] for n in range(2000)])
    return whole[: len(whole) // 2]


def spoiled_sheet() -> bytes:
    """An archive whose sheet is not what its check sum says."""
    whole = bytearray(sheet(["id", "name"], *[[f"A-{n}", f"Kate {n * 7919}"] for n in range(2000)]))
    place = whole.index(b"xl/worksheets/sheet1.xml") + 3000
    whole[place : place + 50] = bytes(50)
    return bytes(whole)


def bomb() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"<row/>" * 20_000_000)
    return written.getvalue()


def no_sheet() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("customers.csv", "id,name")
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b" \r\n\r\n", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"id,name,ID\nA-1,Kate,x\n", "Two columns are called"),
        (b",,,\nA-1,Kate,,\n", "Choose what at least one"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 200, "neither a text nor an Excel file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old Excel"),
        (b"PK\x03\x04 broken", "damaged"),
        (broken_sheet(), "damaged"),
        (spoiled_sheet(), "damaged"),
        (bomb(), "unpacks to far too much"),
        (no_sheet(), "no Excel file"),
        (sheet(), "The file is empty."),
        (sheet(["id", "name", "Id"]), "Two columns are called"),
        (b'"id,name\nA-1,Kate\n', "The heading cannot be read"),
        ((",".join(f"c{n}" for n in range(501)) + "\n").encode(), "more than 500 columns"),
        (b"hello world\n1\n", "Choose what at least one column means."),
    ],
    ids=range(17),
)
def test_a_file_that_is_no_table_is_refused_in_one_line(bring, content, words):
    with pytest.raises(Invalid) as error:
        bring(content)
    assert words in str(error.value.message) and "\n" not in str(error.value.message)
    assert not Customer.objects.exists()


def test_a_json_list_is_refused(bring):
    with pytest.raises(Invalid, match="one object in each line"):
        bring('[{"id": 1}]', "f.json")


# --- JSON lines ---


def test_json_lines(bring):
    rows = [
        json.dumps({"id": 1, "name": "Kate Orlova", "phone": ["+79161234501", "8 916 123-45-02"], "home": {"x": 1}}),
        "{broken", "[1]", '{"id": 3, "name": {"first": "x"}}', '{"id": 4, "name": "a\\u0000b"}', '{"id": 5, "name": "\\ud800"}',
        "[" * 100_000, '{"id": 6, "name": null, "phone": "12"}', '{"id": 7, "name": "Anna", "later": true}',
        '{"id": ' + "9" * 5000 + "}",
    ]  # fmt: skip
    _run, rejects = bring("\n".join(rows), "f.jsonl")
    assert kept() == ["1", "7"] and list(rejects) == [2, 3, 4, 5, 6, 7, 8, 10]
    record = SourceRecord.objects.get(external_id="1")
    assert sorted(link.identity.value for link in record.profile.links.all()) == ["+79161234501", "+79161234502"]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "value", [json.dumps("x" * 10_000_000), json.dumps(["+79161234509"] * 700_000), '"' + "x" * 10_000_000],
    ids=["text", "list", "not closed"],
)  # fmt: skip
def test_a_line_of_ten_megabytes_is_refused_and_no_other(bring, value, place):
    lines = [json.dumps({"id": f"A-{n}", "name": "Kate Orlova", "phone": f"+7916123450{n}"}) for n in (1, 2)]
    lines.insert(place, f'{{"id": "A-9", "name": {value}}}')
    run, rejects = bring("\n".join(lines), "f.jsonl")
    assert kept() == ["A-1", "A-2"] and run.counts == {"created": 2, "rejected": 1}
    assert rejects == {place + 1: "It is longer than 1,000,000 letters."}


# --- Excel ---


def test_excel_with_dates_numbers_and_empty_rows(bring):
    _run, rejects = bring(
        sheet(
            ["id", "name", "birthday", "phone", "updated_at", "extra"],
            [1, "Kate", date(1988, 4, 14), 79161234501, datetime(2026, 4, 14, 12), None],  # noqa: DTZ001 — Excel has no zones
            [None] * 6,
            [2.0, "Anna", "14.04.1988", "8 916 123 45 02"],
            [3, "=A1", None, None],
            [4, "#N/A", None, None],
            [5, "Ann", "soon", None],
            [6, "Ira", None, None, None, None, None, "too far"],
        ),
        "f.xlsx",
    )
    assert kept() == ["1", "2"] and list(rejects) == [5, 6, 7, 8]
    assert {record.fields["birthday"] for record in SourceRecord.objects.all()} == {"1988-04-14"}
    assert SourceRecord.objects.get(external_id="1").at == datetime(2026, 4, 14, 9, tzinfo=UTC)


def test_a_huge_row_of_excel_is_refused(bring):
    _run, rejects = bring(sheet(["id", *(f"n{n}" for n in range(40))], [1, *[random.Random(1).randbytes(15_000).hex()] * 40], [2, "x"]), "f.xlsx",
                          columns={"id": "id", "n0": "city"})  # fmt: skip
    assert kept() == ["2"] and "longer than" in rejects[2]


# --- The rejects ---


def test_rejects_can_be_put_right_and_brought_again(bring, tmp_path):
    bring("id,name,phone,note\nA-1,Kate,12,=cmd|' /C calc'!A0\nA-2,-Anna,+79161234502,@x\nA-3,Ira,13,\n")
    path = tmp_path / "f.csv.rejects.csv"
    (_head, first, _second) = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    assert first[0] == "2" and first[-1].startswith("'=cmd")
    _run, rejects = bring(
        path.read_text(encoding="utf-8-sig").replace(",12,", ",'+79161234501,").replace(",13,", ",,"), "again.csv"
    )
    # A note that looks like a formula stays out until somebody has looked at it; nobody asked for the column.
    assert kept() == ["A-1", "A-2", "A-3"] and rejects == {}


# --- The number of a row without one ---


def test_without_a_number_a_family_stays_apart_and_a_second_run_changes_nothing(bring):
    text = "name,phone,city\nKate Orlova,+79161234501,Tula\nPeter Orlov,+79161234501,Tula\n,,Omsk\nKate Orlova,+79161234501,Tula\n"
    first, _rejects = bring(text)
    assert (first.counts["created"], first.counts["unchanged"]) == (3, 1)
    second, _rejects = bring(text)
    assert (second.counts.get("created", 0), second.counts["unchanged"]) == (0, 4)
    third, _rejects = bring(text.replace("Tula", "Tver"))
    assert (third.counts.get("created", 0), third.counts["changed"]) == (0, 2)


# --- What columns mean ---


def test_columns_are_guessed_in_two_languages():
    CustomField.objects.create(code="tier", label="Tier", label_ru="Уровень клиента", kind="text")
    wanted = {
        "ID клиента": "", "Код клиента": "id", "E-mail": "email", "Телефон 1": "phone", "Телефон (моб.)": "phone", "Имя": "first_name",
        "Дата рождения": "birthday", "Уровень клиента": "custom.tier", "Shoe size": "", "Last Name": "last_name",
        "custom.tier": "", "Номер карты": "card", "Last modified": "at", "Комментарий": "about",
    }  # fmt: skip
    assert guess(wanted) == wanted


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"nope": "name"}, "There is no column “nope”"),
        ({"id": "shoe_size"}, "There is no such field: shoe_size"),
        ({"id": "visitor"}, "There is no such field"),
        ({"id": "city", "name": "city"}, "Two columns cannot both be “city”"),
        ({"id": "id"}, "Choose what at least one column means"),
    ],
)
def test_a_meaning_that_does_not_fit_is_refused(bring, columns, words):
    with pytest.raises(Invalid, match=words):
        bring(HEAD + GOOD[0], columns=columns)


def test_words_for_people_and_companies_and_own_fields(bring):
    CustomField.objects.create(code="since", label="since", kind="date")
    CustomField.objects.create(code="vip", label="vip", kind="flag")
    _run, rejects = bring(
        "id,name,Тип клиента,since,vip\nA-1,Лес,Юр. лицо,01.02.2020,да\nA-2,Kate,физлицо,,no\nA-3,X,zz,,\nA-4,Y,,,maybe\n"
    )
    company, person = Customer.objects.order_by("pk")
    assert (company.kind, company.custom) == ("company", {"since": "2020-02-01", "vip": True})
    assert (person.kind, person.custom) == ("person", {"vip": False})
    assert list(rejects) == [4, 5]


# --- Consents ---


def test_consents_in_the_words_of_both_languages_have_the_time_of_their_record(bring):
    said = ["да", "No", "opt-in", "Отказ", "", "perhaps"]
    rows = [f"C-{n},Kate,c{n}@example.com,2026-03-0{n + 1} 10:00,{word}\n" for n, word in enumerate(said)]
    content = "id,name,email,at,Согласие на рекламу\n" + "".join(rows)
    run, refused = bring(content)
    assert refused == {7: "Согласие на рекламу: Write yes or no."} and run.counts["created"] == 5
    words = Consent.objects.order_by("pk").values_list("identity__value", "purpose", "channel", "granted", "at")
    at = datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert list(words) == [
        (f"c{n}@example.com", "marketing", "", granted, at + timedelta(days=n))
        for n, granted in enumerate([True, False, True, False])
    ]
    again, _refused = bring(content)
    assert again.counts["unchanged"] == 5 and Consent.objects.count() == 4


def test_a_consent_without_a_time_or_an_identity_is_refused(bring):
    assert guess(["phone", "newsletter"]) == {"phone": "phone", "newsletter": ""}
    columns = {"phone": "phone", "ads": "consent:marketing:sms"}
    with pytest.raises(Invalid, match="A consent needs its time"):
        bring("phone,ads\n+79161234501,yes\n", columns=columns)
    with pytest.raises(Invalid, match="no such field"):
        bring("phone,at,ads\n", columns={**columns, "ads": "consent:Marketing"})
    columns |= {"name": "name", "at": "at"}
    head, at = "name,phone,at,ads\n", "2026-03-01"
    _run, refused = bring(f"{head}Kate,,{at},yes\nAnna,+79161234501,,no\nOlga,+79161234502,{at},no\n", columns=columns)
    assert "name one" in refused[2] and "without a time" in refused[3]
    assert Consent.objects.get().identity.value == "+79161234502"
