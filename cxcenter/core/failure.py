"""What is answered when something of ours breaks: in words for people, in JSON for pages' calls."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

RETRY_S = 2


def failed(request: HttpRequest) -> HttpResponse:
    """Answer 503 when the database is away for a moment: pages keep what was written and send it again. Else 500."""
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    status, code = (503, "away") if away else (500, "failed")
    headers = {"Retry-After": str(RETRY_S)} if away else {}
    if "text/html" in request.headers.get("Accept", "") and "HX-Request" not in request.headers:
        return HttpResponse(render_to_string("500.html"), status=status, headers=headers)
    words = _("Something went wrong on our side. Try again later.")
    return JsonResponse({"code": code, "message": words}, status=status, headers=headers)
