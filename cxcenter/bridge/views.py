"""The doors for telephony platforms. Who knocks proves by a signature that he knows the secret of the exchange."""

import json
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from cxcenter.bridge import sending
from cxcenter.core import webhooks
from cxcenter.core.api.problems import MEDIA_TYPE, problem
from cxcenter.core.errors import CxError, Invalid
from interactions.actions import commands
from interactions.choices import ExchangeKind
from interactions.models import Exchange
from routing.actions import bridge


class NotSigned(CxError):
    """Whoever it is does not know the secret, or says again what was said long ago."""

    status = 401
    code = "not_signed"


class TooLarge(CxError):
    """The body is larger than we read."""

    status = 413
    code = "too_large"


@csrf_exempt
@require_POST
def events(request: HttpRequest, exchange: int) -> HttpResponse:
    """Take what a platform tells. The answer says of each event what became of it."""
    try:
        body = _body(request)
        platform = _platform(exchange, request, body)
        told = _events(body)
        answers = bridge.take(exchange=platform, events=told)
    except CxError as error:
        return _refused(error)
    rows = [{"id": one.id, "state": one.state, "field": one.field, "words": one.words} for one in answers]
    return JsonResponse({"refused": sum(one.state == "refused" for one in answers), "results": rows})


@csrf_exempt
@require_GET
def asked(request: HttpRequest, exchange: int) -> HttpResponse:
    """Tell a platform what operators have pressed, behind the command it has seen last. Its own address is what it signs."""
    try:
        platform = _platform(exchange, request, request.get_full_path().encode())
        rows = commands.open_after(exchange=platform, after=_after(request))
    except CxError as error:
        return _refused(error)
    agents = sending.agents_of(platform)
    return JsonResponse({"commands": [sending.said(row, agents) for row in rows]})


def _body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:
        raise TooLarge(_("The body is larger than 1 MB: tell less at once.")) from None


def _platform(pk: int, request: HttpRequest, signed: bytes) -> Exchange:
    """Return the platform, if it has signed this. That there is none of that number is not told apart."""
    found = Exchange.objects.filter(pk=pk, kind=ExchangeKind.BRIDGE, active=True).first()
    if not webhooks.is_signed(found.secret if found else "", signed, request.headers.get("X-CX-Signature", "")):
        words = _("The signature is missing, wrong or older than five minutes. Check the secret and the clock.")
        raise NotSigned(words)
    assert found is not None
    return found


def _events(body: bytes) -> list[Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid(_("The body is not JSON.")) from None
    told = read.get("events") if isinstance(read, dict) and set(read) == {"events"} else None
    if not isinstance(told, list) or not 1 <= len(told) <= bridge.MOST:
        words = _('Write {"events": […]} with 1 to %(most)s events.')
        raise Invalid(words % {"most": bridge.MOST}, field="events")
    return told


def _after(request: HttpRequest) -> int:
    text = request.GET.get("after", "0")
    if set(request.GET) - {"after"} or not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(_("Give the number of the last command that you know: ?after=12."), field="after")
    return int(text)


def _refused(error: CxError) -> HttpResponse:
    answer = problem(error.status, error.code, str(error.message))
    return JsonResponse(answer.data, status=error.status, content_type=MEDIA_TYPE)
