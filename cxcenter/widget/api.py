"""The visitor's protocol over HTTP. Each call parses, checks the token without the database, calls, answers.

docs/widget.md describes it for those who write another client.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils import timezone, translation
from django.utils.translation import get_language_from_request
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from cxcenter.core import liveness, realtime
from cxcenter.core.errors import CxError, Forbidden, Invalid, NotFound
from cxcenter.core.requests import address_of
from cxcenter.widget import calls, doors, files, limits, protocol, reception, sites, tokens
from interactions import pushes
from interactions.actions import talk
from interactions.choices import CloseReason
from interactions.models import Interaction, Message, Site, Thread
from interactions.uploads import read_upload
from quality.actions import record_survey

BODY_BYTES = 64 * 1024
# The first message brings the way over the site, of which we keep what fits.
START_BYTES = 512 * 1024
# Multipart has its own lines around the file.
FORM_BYTES = 16 * 1024
SESSIONS_PER_MIN = 120
READS_PER_MIN = 240
TRACKS_PER_MIN = 60
STARTS_PER_HOUR = 20
FILES_PER_HOUR = 120
STARTS_PER_ADDRESS = 300
HOUR_S = 3600


class TooLarge(CxError):
    """The body is larger than this call can need."""

    status = 413
    code = "too_large"


@dataclass
class Call:
    """One call of a visitor whose token is good."""

    request: HttpRequest
    data: dict[str, Any]
    site: Site
    visitor: tokens.Visitor
    language: str

    def thread_id(self) -> int:
        """Return the visitor's thread. Raises NotFound before his first message."""
        if not self.visitor.thread:
            thread = reception.thread_of(self.site, self.visitor)
            if thread is None:
                raise NotFound(_("There is no talk yet."), code="no_talk")
            self.visitor = self.visitor.in_thread(thread.pk)
        return self.visitor.thread

    def thread(self) -> Thread:
        """Return the row of the visitor's thread. Raises NotFound, BadToken if it was erased."""
        rows = Thread.objects.select_related("profile__customer")
        thread: Thread | None = rows.filter(pk=self.thread_id(), channel__in=sites.channels_of(self.site)).first()
        if thread is None:
            raise NotFound(_("There is no talk yet."), code="no_talk")
        tokens.refuse_erased(thread)
        return thread

    def proof(self) -> dict[str, Any]:
        """Return the circumstances of a consent."""
        return {
            "address": address_of(self.request),
            "agent": self.request.headers.get("User-Agent", "")[:300],
            "page": protocol.page_of(self.data.get("page")).get("url", ""),
            "language": self.language,
            "at": timezone.now().isoformat(),
        }


Act = Callable[[Call], dict[str, Any]]
View = Callable[..., HttpResponse]


def answered(view: View) -> View:
    """Guard a door: our own frame's origin only, no cookies looked at, every refusal in the visitor's language."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = "ru" if get_language_from_request(request) == "ru" else "en"
        with translation.override(language):
            try:
                _refuse_foreign(request)
                response = view(request, *args, language=language, **kwargs)
            except CxError as error:
                told = {"code": error.code, "message": str(error.message), **error.detail}
                response = JsonResponse(told, status=error.status)
        response["Cache-Control"] = "no-store"
        return response

    return guarded


def _refuse_foreign(request: HttpRequest) -> None:
    """Refuse scripts of other origins. A program can forge its origin: tokens and limits hold there."""
    origin = request.headers.get("Origin")
    if origin is None or origin == settings.PUBLIC_URL:
        return
    if urlsplit(origin).netloc != request.get_host():
        raise Forbidden(_("Calls from other sites are not accepted."), code="foreign_origin")


def door(*methods: str, limit: int = BODY_BYTES) -> Callable[[Act], View]:
    """Make a call of the protocol out of an act: checks method, origin, size and token; renews the token."""

    def wrap(act: Act) -> View:
        @wraps(act)
        def view(request: HttpRequest, *, language: str) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            visitor = tokens.read(request.headers.get("Authorization", "").removeprefix("Visitor "))
            site = sites.site_of(visitor.site)
            call = Call(request, data_of(request, limit), site, visitor, language)
            response = JsonResponse(act(call))
            if tokens.is_due(visitor) or call.visitor.thread != visitor.thread:
                response["X-CX-Token"] = tokens.issue(call.visitor)
            return response

        return answered(view)

    return wrap


def data_of(request: HttpRequest, limit: int = BODY_BYTES) -> dict[str, Any]:
    """Return the call's arguments: the query of a GET, the fields of a form, else a JSON object."""
    if request.method == "GET":
        return request.GET.dict()
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    if request.content_type == "multipart/form-data":
        if size > settings.UPLOAD_LIMIT_MB * 1024 * 1024 + FORM_BYTES:
            most = settings.UPLOAD_LIMIT_MB
            raise TooLarge(_("The file is too large: %(limit)s MB at most.") % {"limit": most}, field="file")
        return request.POST.dict()
    if size > limit:
        raise TooLarge(_("This is too much at once."))
    return _json(request.body)


def _json(body: bytes) -> dict[str, Any]:
    """Return a JSON object that the database can keep. Raises Invalid."""
    try:
        data = json.loads(body, parse_constant=_refuse_constant) if body else {}
    except (ValueError, RecursionError):
        raise Invalid(_("This cannot be read.")) from None
    if not isinstance(data, dict):
        raise Invalid(_("This cannot be read."))
    if b"\\u" in body:
        # Halves of characters and zero bytes come only as escapes; PostgreSQL takes neither.
        if isinstance(data.get("trail"), list):
            # What the browser had noted is no reason to refuse a message.
            data["trail"] = [said for said in data["trail"] if _can_be_kept(said)]
        if not _can_be_kept(data):
            raise Invalid(_("This cannot be read."))
    return data


def _can_be_kept(said: Any) -> bool:
    written = json.dumps(said, ensure_ascii=False)
    return "\\u0000" not in written and written == written.encode(errors="ignore").decode()


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


@answered
def session(request: HttpRequest, *, language: str) -> HttpResponse:
    """Begin or go on: token, form, door, and for who has written before his history and where it stands."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    data = data_of(request)
    limit_address(request, "session", SESSIONS_PER_MIN)
    site = sites.site_of(protocol.text_of(data, "site", 32))
    visitor, told = visitor_of(site, data)
    thread = reception.thread_of(site, visitor)
    answer: dict[str, Any] = {
        "site": protocol.form(site, language),
        "door": doors.view(doors.of_site(site)),
        "known": visitor.about,
        "signed": told,
        "thread": thread is not None,
    }
    visitor = visitor.in_thread(thread.pk if thread else 0)
    if thread is not None:
        past = protocol.history(thread)
        answer |= {
            "changed": thread.customer_changes,
            "marks": pushes.marks_view(thread),
            "state": protocol.state(thread),
        }
        answer |= past
    return JsonResponse({"token": tokens.issue(visitor), **answer})


def visitor_of(site: Site, data: dict[str, Any]) -> tuple[tokens.Visitor, bool | str]:
    """Return who calls, and whether he is signed: True, False, or "later" while an anonymous talk still goes on."""
    known_to_us = known(site, protocol.text_of(data, "token", 4000))
    user_jwt = protocol.text_of(data, "user_jwt", 4000)
    if not user_jwt:
        visitor = known_to_us or tokens.stranger(site)
        return visitor, visitor.is_signed
    signed = tokens.signed_user(site, user_jwt)
    if known_to_us is not None and not known_to_us.is_signed and _is_talking(known_to_us):
        # Signing in must not take the talk away from under his hands.
        return known_to_us, "later"
    return signed, True


def _is_talking(visitor: tokens.Visitor) -> bool:
    return bool(visitor.thread) and Interaction.objects.open().filter(thread=visitor.thread).exists()


def known(site: Site, token: str) -> tokens.Visitor | None:
    """Return the visitor of a token of this site; None for any other: he begins anew."""
    try:
        visitor = tokens.read(token)
    except tokens.BadToken:
        return None
    return visitor if visitor.site == site.pk else None


def limit_address(request: HttpRequest, name: str, per_min: int) -> None:
    """Refuse an address that asks too often."""
    address = address_of(request)
    if not limits.is_own(address):
        limits.spend(f"{name}:{address}", per_min)


@door("POST", limit=START_BYTES)
def start(call: Call) -> dict[str, Any]:
    """Open a session with the form's answers and the first message."""
    limit_starts(call)
    message = reception.start(
        site=call.site, visitor=call.visitor, data=call.data, language=call.language, proof=call.proof()
    )
    call.visitor = call.visitor.in_thread(message.thread_id)
    return _posted(message)


def limit_starts(call: Call) -> None:
    """Refuse who begins talks too often. Raises TooMany."""
    limits.spend_shared(f"start:{call.visitor.value[:80]}", STARTS_PER_HOUR, HOUR_S)
    address = address_of(call.request)
    if not limits.is_own(address):
        limits.spend_shared(f"start:{address}", STARTS_PER_ADDRESS, HOUR_S)


def _posted(message: Message) -> dict[str, Any]:
    """Answer a stored message as its sender sees it. His text comes without files, his files without a text."""
    sent = protocol.message_view(message, message.thread_id, attached=[] if message.text else None)
    return {"message": sent, "changed": message.customer_changed}


@door("GET", "POST")
def messages(call: Call) -> dict[str, Any]:
    """POST: send a message, stored once per key. GET: what stands before a seq."""
    if call.request.method == "GET":
        limits.spend(f"read:{call.visitor.value}", READS_PER_MIN)
        return protocol.history(call.thread(), protocol.whole_of(call.data, "before"))
    limits.spend(f"say:{call.visitor.value}", call.site.rate_per_min)
    text = call.data.get("text")
    message, _new = reception.post(
        site=call.site,
        thread_id=call.thread_id(),
        text=text if isinstance(text, str) else "",
        key=reception.key_of(call.data),
        language=call.language,
    )
    return _posted(message)


@door("POST")
def upload(call: Call) -> dict[str, Any]:
    """Send a file as a message of its own, stored once per key."""
    limits.spend(f"say:{call.visitor.value}", call.site.rate_per_min)
    limits.spend_shared(f"file:{call.visitor.value[:80]}", FILES_PER_HOUR, HOUR_S)
    file = call.request.FILES.get("file")
    if file is None:
        raise Invalid(_("Choose a file."), field="file")
    attachment = read_upload(file)
    message, _new = reception.post(
        site=call.site,
        thread_id=call.thread_id(),
        text="",
        key=reception.key_of(call.data),
        language=call.language,
        make_files=lambda: [attachment],
    )
    return _posted(message)


@door("GET")
def file_address(call: Call) -> dict[str, Any]:
    """Return a fresh address of one of the visitor's own files."""
    file = files.visible(_uuid(call.data, "id"), call.thread_id())
    return {"url": files.address(str(file.pk), call.thread_id())}


@door("POST")
def marks(call: Call) -> dict[str, Any]:
    """Note up to which seq the visitor's page has got and shown messages."""
    limits.spend(f"read:{call.visitor.value}", READS_PER_MIN)
    got, read = protocol.whole_of(call.data, "got", 0) or 0, protocol.whole_of(call.data, "read", 0) or 0
    return {"marks": pushes.marks_view(talk.mark_by_customer(thread_id=call.thread().pk, got=got, read=read))}


@door("GET")
def changes(call: Call) -> dict[str, Any]:
    """The gap check: what changed after a number, and where the talk stands.

    A page whose socket cannot be opened asks with its `tab` instead, and so counts as here.
    """
    limits.spend(f"read:{call.visitor.value}", READS_PER_MIN)
    if "tab" in call.data:
        liveness.write([(_uuid(call.data, "tab"), liveness.visitor_key(call.thread_id()))])
    return protocol.changes(call.thread(), protocol.whole_of(call.data, "after", 0) or 0)


def _uuid(data: dict[str, Any], name: str) -> uuid.UUID:
    try:
        return uuid.UUID(str(data.get(name)))
    except ValueError:
        raise Invalid(_("This cannot be read."), field=name) from None


@door("POST")
def rating(call: Call) -> dict[str, Any]:
    """Keep the rating of a session that has ended: {"session", "csat", "ces", "comment"}."""
    limits.spend(f"read:{call.visitor.value}", READS_PER_MIN)
    ended = Interaction.objects.filter(thread=call.thread(), closed_at__isnull=False).order_by("-opened_at")
    public_id = protocol.text_of(call.data, "session", 40)
    interaction = next((i for i in ended[:20] if str(i.public_id) == public_id), None)
    if interaction is None or not protocol.may_rate(interaction):
        raise NotFound(_("This session cannot be rated."), code="no_session")
    record_survey(
        interaction=interaction,
        csat=protocol.whole_of(call.data, "csat"),
        ces=protocol.whole_of(call.data, "ces"),
        comment=protocol.text_of(call.data, "comment", 2000),
    )
    return {"rated": public_id}


@door("POST")
def end(call: Call) -> dict[str, Any]:
    """The visitor ends the talk. Repeating it changes nothing."""
    thread = call.thread()
    interaction = Interaction.objects.open().filter(thread=thread).first()
    if interaction is not None:
        talk.close_interaction(interaction_id=interaction.pk, reason=CloseReason.ENDED)
    return {"state": protocol.state(thread)}


@door("POST")
def offline(call: Call) -> dict[str, Any]:
    """Leave a request while nobody can answer: it becomes a callback or a task."""
    limit_starts(call)
    thread = reception.leave_request(
        site=call.site, visitor=call.visitor, data=call.data, language=call.language, proof=call.proof()
    )
    call.visitor = call.visitor.in_thread(thread.pk)
    return {"left": True, "callback": protocol.callback_view(thread)}


@door("GET", "POST")
def callback(call: Call) -> dict[str, Any]:
    """GET: what the form of a callback offers. POST: be called instead of waiting, or otherwise than asked before."""
    thread = call.thread()
    if call.request.method == "GET":
        limits.spend(f"read:{call.visitor.value}", READS_PER_MIN)
        return calls.choices(thread)
    limit_starts(call)
    calls.ask(thread, call.data, call.language)
    return {"state": protocol.state(thread)}


@door("POST")
def cancel_callback(call: Call) -> dict[str, Any]:
    """Cancel a callback: {"id"}. Repeating it changes nothing."""
    thread = call.thread()
    calls.cancel(thread, call.data)
    return {"state": protocol.state(thread)}


@door("POST")
def track(call: Call) -> dict[str, Any]:
    """Keep a page view or an event of the site, for who has talked to us; others keep theirs in the browser."""
    limits.spend(f"track:{call.visitor.value}", TRACKS_PER_MIN)
    thread = call.thread()
    reception.track(site=call.site, thread=thread, said=call.data)
    page = protocol.page_of(call.data.get("page"))
    if page and call.data.get("type") == "page_view":
        Thread.objects.filter(pk=thread.pk).update(page=page)
        realtime.push((realtime.staff_group(thread.pk), {"kind": "page", "thread": thread.pk, "page": page}))
    return {"kept": True}
