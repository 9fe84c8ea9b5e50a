"""Files of a talk for its visitor: addresses that are signed for one reader and soon expire."""

import uuid
from typing import Any
from urllib.parse import quote

from django.core import signing
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET

from interactions.models import Attachment

LIFE_S = 60 * 60
SALT = "cxcenter.widget.file"


def address(file_id: str, thread_id: int) -> str:
    """Return an address at which the visitor of a thread can fetch a file for an hour."""
    return f"{reverse('widget:file', args=[file_id])}?s={signing.dumps([file_id, thread_id], salt=SALT)}"


def add_addresses(message: dict[str, Any], thread_id: int) -> dict[str, Any]:
    """Return a customer's view of a message with the addresses of its files."""
    if not message["files"]:
        return message
    return {**message, "files": [{**file, "url": address(file["id"], thread_id)} for file in message["files"]]}


def visible(file_id: uuid.UUID, thread_id: int) -> Attachment:
    """Return a file that the visitor of a thread may see. Raises Http404."""
    found = Attachment.objects.filter(
        pk=file_id, message__thread=thread_id, message__customer_changed__gt=0, message__withdrawn_at=None
    ).first()
    if found is None:
        raise Http404
    return found


@require_GET
def serve(request: HttpRequest, file_id: uuid.UUID) -> HttpResponseBase:
    """Send a file as a download from which nothing can run."""
    try:
        signed_id, thread_id = signing.loads(request.GET.get("s", ""), salt=SALT, max_age=LIFE_S)
    except signing.BadSignature:
        return HttpResponse(status=403)
    if signed_id != str(file_id):
        return HttpResponse(status=403)
    return download(visible(file_id, thread_id))


def download(file: Attachment) -> FileResponse:
    """Return the answer that sends an attachment: never shown as a page of ours, whatever is in it."""
    response = FileResponse(file.file.open("rb"), content_type=file.content_type)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name)}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, max-age=3600"
    return response
