"""Files of visitors: content, addresses, names."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cxcenter.widget import files, tokens
from interactions.choices import Audience
from interactions.models import Attachment, Interaction
from tests import world
from tests.widget.client import Visitor, png

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_of_a_note_has_no_address_for_the_visitor(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    note = world.reply(Interaction.objects.get(), alice, "see", audience=Audience.STAFF)
    file = Attachment.objects.create(message=note, file="x", name="secret.txt", size=1)
    visitor.get("file", {"id": str(file.pk)})
    assert visitor.answer.status_code == 404
    assert Client().get(files.address(str(file.pk), note.thread_id)).status_code == 404


def test_guessed_numbers_and_signatures_of_files_open_nothing(place):
    _alice, _queue, site = place
    mine, other = Visitor(site), Visitor(site)
    mine.start()
    other.start()
    file = other.send_file(png())["message"]["files"][0]
    got = Client().get(file["url"])
    assert got.status_code == 200
    assert got["Content-Disposition"].startswith("attachment") and got["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got["Content-Security-Policy"]
    mine.get("file", {"id": file["id"]})
    assert mine.answer.status_code == 404
    address, _, signature = file["url"].partition("?s=")
    own = mine.send_file(png())["message"]["files"][0]["url"].partition("?s=")[2]
    for guess in ["", "?s=", f"?s={signature[:-1]}", f"?s={own}"]:
        assert Client().get(address + guess).status_code == 403, guess
    stranger = files.address(file["id"], tokens.read(mine.token).thread)
    assert Client().get(stranger).status_code == 404


def test_addresses_of_files_expire(place, monkeypatch):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    url = visitor.send_file(png())["message"]["files"][0]["url"]
    monkeypatch.setattr(files, "LIFE_S", -1)
    assert Client().get(url).status_code == 403
    monkeypatch.undo()
    fresh = visitor.get("file", {"id": url.split("/")[-1].split("?")[0]})["url"]
    assert Client().get(fresh).status_code == 200


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("page.html", b"<html><script>alert(1)</script></html>", 200),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 200),
        ("tool.exe", b"MZ\x90\x00" + b"\x00" * 100, 400),
        ("photo.png", b"\x89PNG\r\n\x1a\nbroken", 400),
        ("archive.zip", b"PK\x03\x04" + b"\x00" * 60, 400),
        ("empty.txt", b"", 400),
        ("../../../etc/cron.d/x.txt", b"words", 200),
        ("a\x00b.txt", b"words", 200),
    ],
)
def test_files_are_checked_by_their_content(place, name, content, status):
    """A page or a drawing is plain text here: it is sent as such, as a download."""
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    told = visitor.send_file(SimpleUploadedFile(name, content, "image/png"))
    assert visitor.answer.status_code == status, told
    if status == 400:
        assert told["message"]
        return
    file = told["message"]["files"][0]
    got = Client().get(file["url"])
    assert got["Content-Type"].startswith("text/plain") and got["Content-Disposition"].startswith("attachment")
    stored = Attachment.objects.get()
    assert ".." not in stored.file.name and stored.file.name.endswith(".txt") and "/" not in file["name"]


def test_a_file_is_stored_once_per_key(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    key = str(uuid.uuid4())
    for _ in range(3):
        visitor.send_file(png(), key)
    assert Attachment.objects.count() == 1
