"""Files from outside: what they are is told by their content, whatever they are called."""

import struct
import zlib
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cxcenter.core.errors import Invalid
from interactions.uploads import read_upload, safe_name


def picture(kind: str = "PNG", size: tuple[int, int] = (3, 2)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it has side × side pixels."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def upload(content: bytes, name: str = "file", said: str = "text/plain"):
    return read_upload(SimpleUploadedFile(name, content, content_type=said))


PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><script>alert(1)</script></html>"


@pytest.mark.parametrize(
    ("content", "kind", "mime"),
    [
        (picture("PNG"), "image", "image/png"),
        (picture("JPEG"), "image", "image/jpeg"),
        (picture("GIF"), "image", "image/gif"),
        (picture("WEBP"), "image", "image/webp"),
        (PDF, "pdf", "application/pdf"),
        ("Привет\n".encode(), "text", "text/plain; charset=utf-8"),
        ("Ёлка; 5 кг\r\n".encode("cp1251"), "text", "text/plain; charset=windows-1251"),
        ("Привет\n".encode("utf-16"), "text", "text/plain; charset=utf-16"),
        (b"\xfe\xff" + "Привет\n".encode("utf-16-be"), "text", "text/plain; charset=utf-16"),
    ],
)
def test_known_by_content(content, kind, mime):
    found = upload(content, "whatever.exe", said="application/x-msdownload")
    assert (found.kind, found.content_type, found.size) == (kind, mime, len(content))
    assert (found.width, found.height) == ((3, 2) if kind == "image" else (None, None))
    assert found.file.name == f"{found.pk}.{found.file.name.rpartition('.')[2]}", "stored under a name of our own"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"MZ\x90\x00" + bytes(100), "bad_type"),
        (b"PK\x03\x04" + bytes(100), "bad_type"),
        (b"\x7fELF" + bytes(100), "bad_type"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(100), "bad_type"),
        (bytes(range(256)), "bad_type"),
        ("Привет\x01".encode("utf-16"), "bad_type"),
        (b"\xff\xfe\x00\xd8\x00", "bad_type"),
        ("Привет\x02".encode("cp1251"), "bad_type"),
        ("Привет".encode("cp1251") + b"\x98", "bad_type"),
        (picture()[:40], "bad_type"),
        (b"\x89PNG\r\n\x1a\n" + b"not a picture", "bad_type"),
        (bomb(60_000), "bad_type"),
    ],
)
def test_refused_with_a_reason(content, code):
    with pytest.raises(Invalid) as refused:
        upload(content, "photo.png", said="image/png")
    assert refused.value.code == code and refused.value.detail["field"] == "file"


def test_too_large(settings):
    settings.UPLOAD_LIMIT_MB = 1
    assert upload(b"x" * 1024 * 1024)
    with pytest.raises(Invalid) as refused:
        upload(b"x" * (1024 * 1024 + 1))
    assert refused.value.code == "too_large"


@pytest.mark.parametrize("content", [SVG, HTML, b'<?xml version="1.0"?>' + SVG])
@pytest.mark.parametrize("name", ["photo.png", "page.html", "logo.svg", "readme.txt", "run.bat", "plain"])
def test_a_page_in_disguise_is_text_and_called_so(content, name):
    """What a browser or a shell would run from the disk goes out under a name that runs nothing."""
    found = upload(content, name, said="image/png")
    assert (found.kind, found.content_type) == ("text", "text/plain; charset=utf-8")
    assert found.name.endswith(".txt") and found.file.name.endswith(".txt")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("photo.png", "photo.png"), ("photo.PNG", "photo.PNG"), ("photo.exe", "photo.exe.png"), ("photo", "photo.png")],
)
def test_a_name_ends_as_its_content_does(name, shown):
    assert upload(picture(), name).name == shown


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system.ini", "system.ini"),
        ("..", "file"),
        ("", "file"),
        (".htaccess", "htaccess"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("new\nline\x00.txt", "newline.txt"),
        ('a<b>:"c|d?*.png', "a_b___c_d__.png"),
        ("отчёт за март.pdf", "отчёт за март.pdf"),
    ],
)
def test_names(name, safe):
    assert safe_name(name) == safe


@given(st.text(max_size=400))
def test_any_name_is_short_and_no_path(name):
    safe = safe_name(name)
    assert 0 < len(safe) <= 120
    assert not set(safe) & set('/\\<>:"|?*\x00\n\r') and safe not in {".", ".."}


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]), st.data())
def test_a_damaged_picture_is_refused_or_read_and_breaks_nothing(kind, data):
    whole = bytearray(picture(kind, (16, 16)))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = upload(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    except Invalid:
        return
    assert found.kind in {"image", "pdf", "text"}


@settings(deadline=None, max_examples=150)
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes(content):
    try:
        assert upload(content).kind in {"text", "pdf", "image"}
    except Invalid:
        return
