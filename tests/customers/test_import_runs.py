"""Runs of imports: the command line, death in the midst, two at once, a full disk, an uploaded file in the worker."""

import io
import os
import random
import signal
import subprocess
import sys
import threading
import time

import openpyxl
import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections

from customers import actions as customers
from customers import queries
from customers.actions import imports as acts
from customers.imports import running, service
from customers.imports.mapping import Meaning
from customers.models import (
    Comparable,
    Customer,
    Identity,
    ImportRun,
    ImportTemplate,
    MatchingRules,
    Merge,
    SourceRecord,
)
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.models import AuditEntry, Event, Outbox
from tests import world
from tests.customers.test_merges import check_clusters
from tests.servers import ROOT, session_databases

pytestmark = pytest.mark.django_db(transaction=True)


def rows(size: int, shared: int = 8) -> str:
    """Records of which each `shared`-th has the card of the one before."""
    lines = (
        f"C{n},Orlova {n},Kate,+79{n:09d},k{n}@example.com,22{n - (n % shared == 1):06d},Tula\n" for n in range(size)
    )
    return "id,last_name,first_name,phone,email,card,city\n" + "".join(lines)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "customers.csv"
    path.write_text(rows(50) + "C50,Bad,,12,,,\n")
    return path


def command(path, *more: str) -> str:
    out = io.StringIO()
    call_command("import_customers", str(path), "--source", "crm", *more, stdout=out, stderr=io.StringIO())
    return out.getvalue()


# --- The command line ---


def test_the_command_imports_and_a_second_run_changes_nothing(file):
    alice = world.make_user("alice")
    told = command(file, "--vouched", "--user", "alice")
    assert told.startswith("read 51, created 50, changed 0, unchanged 0, late 0, rejected 1, joined 7 (")
    assert (
        "customers.csv.rejects.csv" in told
        and "This is not a phone number" in (file.parent / "customers.csv.rejects.csv").read_text()
    )
    assert SourceRecord.objects.filter(source="crm", entered_by=alice).count() == 50
    assert (Customer.objects.live().count(), Merge.objects.count()) == (43, 7)
    entry = AuditEntry.objects.get(act="customer.import")
    assert (entry.actor, entry.subject) == (alice, f"import:{ImportRun.objects.get().pk}")
    before = list(Customer.objects.order_by("pk").values()), Event.objects.count()
    again = command(file, "--vouched", "--user", "alice")
    assert "created 0, changed 0, unchanged 50, late 0, rejected 1, joined 0" in again
    assert before == (list(Customer.objects.order_by("pk").values()), Event.objects.count())


def test_nobody_is_told_of_each_and_all_wait_for_comparison(file):
    command(file)
    assert not Outbox.objects.exists()
    assert Comparable.objects.filter(compared_at=None).count() == 50
    assert Event.objects.filter(kind="customer.created").count() == 50


def test_a_trial_writes_nothing(file):
    assert command(file, "--dry-run", "--vouched").startswith("Trial: read 51, created 50")
    assert not Customer.objects.exists() and not Identity.objects.exists()
    command(file, "--vouched")
    assert "created 0, changed 0, unchanged 50" in command(file, "--vouched", "--dry-run")


def test_columns_are_named_and_templates_kept(file):
    acts.save_template(
        name="crm", meaning=Meaning(columns={"id": "id", "card": "account", "no such": "city"}, vouched=True)
    )
    command(file, "--template", "crm", "--map", "city=", "--map", "first_name=name")
    assert set(Identity.objects.values_list("kind", flat=True)) == {"account"}
    assert SourceRecord.objects.first().fields == {"name": "Kate", "first_name": "Kate"}
    assert acts.save_template(name="crm", meaning=Meaning()).pk == ImportTemplate.objects.get().pk


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--template", "nope"], "there is no template nope; there are: none"),
        (["--map", "phone"], "--map is COLUMN=FIELD"),
        (["--map", "phone=shoe"], "There is no such field: shoe"),
        (["--map", "fax=phone"], "There is no column “fax”"),
        (["--delimiter", ";;"], "--delimiter is one sign"),
        (["--encoding", "klingon"], "There is no such encoding: klingon"),
        (["--user", "nobody"], "there is no active user nobody"),
        (["--resume"], "there is no broken run"),
        (["--source", "operator"], "taken by a source of the product"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(file, more, words):
    with pytest.raises(CommandError) as error:
        command(file, *more)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert not Customer.objects.exists() and not ImportRun.objects.exists()


def process(path, *more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_customers", str(path), "--source", "crm", "--vouched", *more],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": session_databases().postgres.url(connection.settings_dict["NAME"])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_file_that_is_none_ends_with_code_1_and_one_line(tmp_path):
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK\x03\x04")
    done = process(path)
    _out, told = done.communicate(timeout=120)
    assert done.returncode == 1 and "damaged" in told and "Traceback" not in told


# --- Death in the midst ---


def test_a_killed_run_goes_on_with_no_row_twice_and_none_lost(tmp_path):
    path = tmp_path / "many.csv"
    size = 40_000
    path.write_text(rows(size).replace("C7777,Orlova 7777,Kate,+79000007777", "C7777,Orlova,Kate,12"))
    running_one = process(path)
    deadline = time.monotonic() + 200
    while not ImportRun.objects.filter(position__gt=0).exists():
        assert time.monotonic() < deadline and running_one.poll() is None, running_one.communicate()
        time.sleep(0.02)
    running_one.send_signal(signal.SIGKILL)
    running_one.communicate()
    time.sleep(0.5)
    broken = ImportRun.objects.get()
    had = SourceRecord.objects.count()
    assert 0 < broken.position < size and broken.state == "running"
    # Some kill leaves rejects behind that no transaction knows.
    rejects = tmp_path / "many.csv.rejects.csv"
    with rejects.open("ab") as file:
        file.write(b"half a li")
    done = process(path, "--resume")
    out, told = done.communicate(timeout=300)
    assert done.returncode == 0, told
    whole = ImportRun.objects.get()
    assert whole.pk == broken.pk and whole.state == "done"
    assert f"read {size:,}, created {size - 1:,}, changed 0, unchanged 0, late 0, rejected 1" in out
    assert SourceRecord.objects.count() == Customer.objects.count() == size - 1 > had
    # Each eighth is joined to the one before, but for the two whose partner was rejected.
    assert Merge.objects.count() == size // 8 - 1
    assert Event.objects.filter(kind="customer.created").count() == size - 1
    assert len(rejects.read_text(encoding="utf-8-sig").splitlines()) == 2


def test_a_run_that_the_database_leaves_is_continued(file, monkeypatch):
    written = running.write

    def cut_off(made, **options):
        """Half of a batch is written when the server ends the line."""
        written(made, **options)
        if ImportRun.objects.get().position > 20:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(running, "BATCH", 10)
    monkeypatch.setattr(running, "write", cut_off)
    with pytest.raises(
        CommandError, match=r"The database does not answer: (terminating|server closed).*line 21.*--resume"
    ):
        command(file)
    assert ImportRun.objects.get().state == "failed" and SourceRecord.objects.count() == 20
    monkeypatch.setattr(running, "write", written)
    assert "read 51, created 50" in command(file, "--resume")


def test_a_full_disk_is_said_and_the_run_continued(file, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(running.rejects, "add", full)
        with pytest.raises(CommandError, match="A file cannot be written: No space left on device"):
            command(file)
    assert not SourceRecord.objects.exists()
    assert "created 50" in command(file, "--resume")


def test_a_deadlock_is_tried_again_and_a_row_that_the_database_refuses_is_rejected(file, monkeypatch):
    written, calls = running.write, []

    def unlucky(made, **options):
        calls.append(len(made.changes))
        if len(calls) == 1:
            raise OperationalError("deadlock detected") from type("Cause", (psycopg2.Error,), {"pgcode": "40P01"})()
        if any(change.said.external_id == "C13" for change in made.changes):
            raise running.DataError("no such letter")
        written(made, **options)

    monkeypatch.setattr(running, "write", unlucky)
    told = command(file, "--vouched")
    assert "created 49" in told and "rejected 2" in told
    assert "no such letter" in (file.parent / "customers.csv.rejects.csv").read_text()
    assert SourceRecord.objects.count() == 49


# --- Two at once ---


def test_a_second_import_of_a_source_is_refused_while_one_is_at_work(file):
    with (
        psycopg2.connect(session_databases().postgres.url(connection.settings_dict["NAME"])) as other,
        other.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [running.LOCK, "crm"])
        with pytest.raises(CommandError, match="another import of crm is at work"):
            command(file)
        waiting = uploaded(file)
        assert service.work(seconds=1) is False
        waiting.refresh_from_db()
        assert (waiting.state, SourceRecord.objects.count()) == ("waiting", 0)
    other.close()
    service.work(seconds=1)
    waiting.refresh_from_db()
    assert (waiting.state, SourceRecord.objects.count()) == ("done", 50)


# --- Uploaded files ---


def uploaded(file, **options) -> ImportRun:
    place = running.place_of("imports/x")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(file.read_bytes())
    meaning = Meaning(columns={"id": "id", "last_name": "last_name", "phone": "phone", "card": "card"}, vouched=True)
    run = acts.prepare_import(source="crm", path="imports/x", name="c.csv", meaning=meaning, uploaded=True)
    return acts.start_import(run=run, meaning=meaning, **options)


def test_the_worker_takes_turns_and_goes_on_where_it_was(file, monkeypatch):
    monkeypatch.setattr(running, "BATCH", 10)
    run = uploaded(file)
    turns = 1
    while service.work(seconds=0):
        turns += 1
    run.refresh_from_db()
    assert turns > 3 and run.state == "done" and run.counts == {"created": 50, "joined": 7, "rejected": 1}
    assert not service._open
    assert running.place_of(run.rejects).read_text().count("This is not a phone number") == 1


def test_another_worker_goes_on_after_a_dead_one(file, monkeypatch):
    monkeypatch.setattr(running, "BATCH", 10)
    run = uploaded(file)
    assert service.work(seconds=0)
    service._open.clear()
    while service.work(seconds=0):
        pass
    run.refresh_from_db()
    assert run.counts == {"created": 50, "joined": 7, "rejected": 1}


def test_a_run_is_stopped_and_continued(file, monkeypatch):
    monkeypatch.setattr(running, "BATCH", 10)
    run = uploaded(file)
    service.work(seconds=0)
    acts.stop_import(run=run)
    assert service.work(seconds=9) is False and SourceRecord.objects.count() == 10
    with pytest.raises(Conflict):
        acts.stop_import(run=run)
    acts.continue_import(run=run)
    service.work(seconds=30)
    run.refresh_from_db()
    assert run.state == "done" and SourceRecord.objects.count() == 50
    with pytest.raises(Conflict):
        acts.continue_import(run=run)


def test_stopped_in_the_midst_of_a_batch_it_keeps_nothing_of_it(file):
    run = uploaded(file)
    with running.Importer(run) as importer:
        importer.begin()
        acts.stop_import(run=run)
        with pytest.raises(running.StoppedError):
            importer.step()
    assert not SourceRecord.objects.exists() and ImportRun.objects.get().position == 0


def test_a_file_that_has_gone_fails_in_words(file):
    run = uploaded(file)
    running.place_of(run.path).unlink()
    assert service.work(seconds=1) is False
    run.refresh_from_db()
    assert run.state == "failed" and "cannot be opened" in run.error
    with pytest.raises(Invalid):
        acts.start_import(run=run, meaning=Meaning.read(run.meaning))


def test_a_sheet_that_is_spoiled_meanwhile_fails_in_words(tmp_path, file, monkeypatch):
    monkeypatch.setattr(running, "BATCH", 1000)
    book = openpyxl.Workbook()
    for row in [["id", "last_name", "phone", "card"], *[[f"A-{n}", f"Orlova {n * 7919}", "", ""] for n in range(9000)]]:
        book.active.append(row)
    book.save(tmp_path / "c.xlsx")
    run = uploaded(tmp_path / "c.xlsx")
    content = bytearray((tmp_path / "c.xlsx").read_bytes())
    place = content.index(b"xl/worksheets/sheet1.xml") + 90_000
    content[place : place + 2000] = bytes(2000)
    running.place_of(run.path).write_bytes(content)
    service.work(seconds=60)
    run.refresh_from_db()
    assert run.state == "failed" and "damaged at row" in run.error
    assert SourceRecord.objects.count() == run.counts.get("created", 0) < 9000


def test_old_files_are_deleted_and_the_run_stays(file):
    run = uploaded(file)
    service.work(seconds=30)
    ImportRun.objects.update(created_at="2020-01-01T00:00Z")
    run.refresh_from_db()
    service.sweep()
    assert not running.place_of("imports/x").exists() and not running.place_of(run.rejects).exists()
    assert ImportRun.objects.get().counts["created"] == 50


# --- Beside others ---


def test_beside_people_who_bring_the_same_nobody_waits_for_ever_and_nothing_doubles(tmp_path, monkeypatch):
    """An import, another one, and programs that put records of the same phones and cards at once."""
    monkeypatch.setattr(running, "BATCH", 40)
    MatchingRules.objects.update_or_create(pk=1, defaults={"shared_by": 50, "joins": False})
    size, broken = 400, []
    for source in ("crm", "till"):
        (tmp_path / source).write_text(rows(size).replace("C", source[0].upper()))
    # Nobody has to be compared here.
    monkeypatch.setattr("customers.actions.matching.compare_profile", lambda **_who: None)

    def bring(source: str) -> None:
        call_command(
            "import_customers", str(tmp_path / source), "--source", source, "--vouched", stdout=io.StringIO(),
            stderr=io.StringIO(),
        )  # fmt: skip

    def put() -> None:
        chance = random.Random(threading.get_ident())
        for _round in range(60):
            number = chance.randrange(size)
            reaches = [
                customers.Reach(kind="card", value=f"22{number:06d}", verified=True),
                customers.Reach(kind="phone", value=f"+79{number:09d}", verified=True),
            ]
            customers.put_record(
                said=customers.OutsideRecord(
                    source="api", external_id=f"P{number}", fields={"city": "Tver"}, reaches=reaches
                )
            )

    def work(act) -> None:
        try:
            act()
        except Exception as error:
            broken.append(error)
        finally:
            connections.close_all()

    acts_ = [lambda: bring("crm"), lambda: bring("till"), put, put]
    threads = [threading.Thread(target=work, args=(act,)) for act in acts_]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert not broken, broken
    assert (
        SourceRecord.objects.filter(source="crm").count() == SourceRecord.objects.filter(source="till").count() == size
    )
    check_clusters()
    # Each of the till has the phone and the card of one of the crm, and is one with him.
    owners = dict(SourceRecord.objects.values_list("external_id", "profile__customer_id"))
    assert all(owners[f"C{number}"] == owners[f"T{number}"] for number in range(size) if number % 8 > 1)


def test_links_are_found_by_identity_in_a_table_without_statistics(file):
    """Right after a bulk load the planner knows nothing of it: reading all links in their order looked cheap to it."""
    file.write_text(rows(3000))
    command(file)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {queries.LINKS}", [list(Identity.objects.values_list("pk", flat=True)), 9])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using customers_profileidentity_pkey" not in plan
