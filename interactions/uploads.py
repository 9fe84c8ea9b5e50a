"""Files from outside: checked by their content, never by their name or what the sender says they are."""

import re
import unicodedata
import uuid
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import PurePath
from typing import Any

import filetype
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from cxcenter.core.errors import Invalid
from interactions.models import Attachment

IMAGES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
# How a name may end, by the ending we store the file under.
ENDINGS = {"jpg": {"jpg", "jpeg"}, "txt": {"txt", "log", "csv", "md", "json"}}
ZERO = re.compile("\x00")
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
# Pillow's own guard against pictures that unpack to gigabytes.
Image.MAX_IMAGE_PIXELS = 50_000_000


def safe_name(name: str) -> str:
    """Return a file name without folders, control characters and direction marks, 120 characters at most."""
    name = PurePath(name.replace("\\", "/")).name
    name = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C")
    name = re.sub(r'[<>:"/|?*]', "_", name).strip(". ")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:100]}{dot}{ending[:19]}" if dot else name[:120] or "file"


def read_upload(file: "UploadedFile[Any]") -> Attachment:
    """Check an uploaded file and return its unsaved attachment.

    Raises Invalid with the reason: too large, empty, or neither picture, PDF nor plain text.
    """
    limit = settings.UPLOAD_LIMIT_MB
    if (file.size or 0) > limit * 1024 * 1024:
        raise Invalid(
            _("The file is too large: %(limit)s MB at most.") % {"limit": limit}, code="too_large", field="file"
        )
    content = file.read()
    if not content:
        raise Invalid(_("The file is empty."), code="empty", field="file")
    attachment = Attachment(id=uuid.uuid4(), size=len(content))
    ending = _recognise(attachment, content)
    attachment.name = _honest_name(safe_name(file.name or "file"), ending)
    # Stored under a name of our own: the sender's name is shown, never used as a path.
    attachment.file = ContentFile(content, name=f"{attachment.pk}.{ending}")
    return attachment


def _honest_name(name: str, ending: str) -> str:
    """Return a name that ends as the content does: a saved page or program in disguise opens as plain text."""
    honest = ENDINGS.get(ending, {ending})
    return name if name.rpartition(".")[2].lower() in honest and "." in name else f"{name}.{ending}"


def _recognise(attachment: Attachment, content: bytes) -> str:
    """Set kind and type of the attachment from its bytes; return the ending to store it under."""
    guess = filetype.guess(content)
    mime = guess.mime if guess else ""
    if mime in IMAGES:
        attachment.kind, attachment.content_type = Attachment.Kind.IMAGE, mime
        attachment.width, attachment.height = _picture_size(content)
        return IMAGES[mime]
    if mime == "application/pdf":
        attachment.kind, attachment.content_type = Attachment.Kind.PDF, mime
        return "pdf"
    if guess is None and (charset := _charset_of(content)):
        attachment.kind, attachment.content_type = Attachment.Kind.TEXT, f"text/plain; charset={charset}"
        return "txt"
    raise Invalid(_("Only pictures, PDF and plain text can be sent."), code="bad_type", field="file")


def _picture_size(content: bytes) -> tuple[int, int]:
    """Return width and height in pixels; a broken or monstrous picture is refused."""
    from io import BytesIO

    try:
        with Image.open(BytesIO(content)) as picture:
            picture.verify()
            return picture.size
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        raise Invalid(_("The picture is damaged."), code="bad_type", field="file") from None


def _charset_of(content: bytes) -> str | None:
    """Return how the bytes are a text, or None if they are none.

    Cyrillic comes in three ways: UTF-8, UTF-16 that says so by its first bytes, and the Windows code page. The last
    two take almost any bytes, so control characters tell other files from a text.
    """
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "utf-16" if _reads_as(content, "utf-16", CONTROLS) else None
    if _reads_as(content, "utf-8", ZERO):
        return "utf-8"
    return "windows-1251" if _reads_as(content, "windows-1251", CONTROLS) else None


def _reads_as(content: bytes, charset: str, foreign: re.Pattern[str]) -> bool:
    try:
        return not foreign.search(content.decode(charset))
    except UnicodeDecodeError:
        return False
