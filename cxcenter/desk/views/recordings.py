"""Recordings at the desk: pieces of a call that goes on come in, and what is ready is heard, by link and part by part."""

import math
from datetime import UTC
from typing import Any
from uuid import UUID

from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from cxcenter.core.ranges import part_of
from cxcenter.core.reading import moment
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import player
from cxcenter.desk.contexts import sessions_context
from cxcenter.desk.views.common import key_of, note_looking, session_for, whole
from cxcenter.frame import frame
from interactions import vault
from interactions.actions import recordings
from interactions.models import Recording, RecordingMark
from routing.actions import legs

# A link to the sound works so long, for the one who asked for it. The player asks for another when it needs one.
LINK_S = 600
SALT = "recording"


# --- In: the operator's browser records --------------------------------------------------------


@require_POST
@needs(Right.SERVE)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin a recording of a call in my hands; `key` is its name from now on. The same key twice is one recording."""
    user = staff_of(request)
    talk = session_for(user, pk)
    key = key_of(request)
    if not Recording.objects.filter(public_id=key, operator=user).exists():
        legs.owned_leg(interaction_id=pk, actor=user)
    recording = recordings.start(
        interaction=talk,
        key=key,
        actor=user,
        content_type=request.POST.get("type", ""),
        started_at=moment(request.POST.get("started")),
    )
    return JsonResponse({"recording": str(recording.public_id)})


@require_POST
@needs(Right.SERVE)
def piece(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """Store a piece of a recording that I make, now or after the network was away. The same piece twice is fine."""
    recording = recordings.of_operator(key=pk, actor=staff_of(request))
    sent = request.FILES.get("piece")
    if sent is None or (sent.size or 0) > recordings.LARGEST_PIECE:
        raise Invalid(_("This is no piece of a recording."), field="piece")
    recordings.keep_piece(
        recording=recording, number=number, content=sent.read(), sha256=request.POST.get("sha256", "").lower()
    )
    return HttpResponse(status=204)


@require_POST
@needs(Right.SERVE)
def finish(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say that a recording of mine is over; answers which of its `pieces` are missing."""
    recording = recordings.of_operator(key=pk, actor=staff_of(request))
    pieces = whole(request.POST.get("pieces"), "pieces")
    return JsonResponse({"missing": recordings.finish(recording=recording, pieces=pieces)})


@require_POST
@needs(Right.VIEW_CUSTOMERS)
def mark(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark a second: who records says what happened; a note may be written by everybody who may listen."""
    user = staff_of(request)
    kind = request.POST.get("kind", "")
    if kind == RecordingMark.Kind.NOTE:
        recording = recording_for(user, pk)
    else:
        recording = recordings.of_operator(key=pk, actor=user)
    made = recordings.mark(
        recording=recording, kind=kind, at_s=_second(request), actor=user, text=request.POST.get("text", "").strip()
    )
    return JsonResponse({"at": made.at_s, "kind": made.kind, "words": player.mark_words(made)})


def _second(request: HttpRequest) -> float:
    second = seconds(request.POST.get("at"))
    if second is None:
        raise Invalid(_("A number of seconds is expected here."), field="at")
    return second


def seconds(text: str | None) -> float | None:
    """Return a number of seconds as it stands in an address; None if it is none."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None


# --- Out: who may read the session listens -----------------------------------------------------


def recording_for(user: User, key: UUID) -> Recording:
    """Return a recording the user may hear. Raises NotFound: what he may not hear does not exist for him."""
    found = Recording.objects.visible_to(user).select_related("interaction__profile__customer").filter(public_id=key)
    recording: Recording | None = found.first()
    if recording is None:
        raise NotFound(_("There is no such recording, or it is not yours to hear."))
    return recording


def _with_sound(user: User, key: UUID) -> Recording:
    recording = recording_for(user, key)
    if not recording.is_playable:
        raise Conflict(player.state_words(recording), code=recording.state)
    return recording


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the player of a call on a page of its own.

    `t` is the second of the call to begin at; `s` that of this recording, at whose words `q` was found: they are shown.
    """
    user = staff_of(request)
    recording = recording_for(user, pk)
    talk = recording.interaction
    if talk.profile and talk.profile.customer:
        note_looking(user, talk.profile.customer)
    shown = player.of_session(talk, user)
    second = seconds(request.GET.get("s"))
    if shown and second is not None:
        shown.begins, shown.asked = shown.at_of(str(pk), second), request.GET.get("q", "")[:100]
    context: dict[str, Any] = {"talk": talk, "player": shown}
    context |= {**frame(user, "desk"), **sessions_context(user, None)}
    return render(request, "desk/recording.html", context)


@require_POST
@needs(Right.VIEW_CUSTOMERS)
def listen(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give a link to the sound that works for a short time and for me alone; it is noted that I listen."""
    user = staff_of(request)
    recording = _with_sound(user, pk)
    # One entry for a listening: a player that was open for long asks for a new link.
    if request.POST.get("again") != "1":
        audit.record(user, "recording.listen", f"recording:{recording.pk}", interaction=recording.interaction_id)
    else:
        audit.record_once(user, "recording.listen", f"recording:{recording.pk}")
    return JsonResponse({"url": link_to(recording, user), "seconds": LINK_S})


@require_POST
@needs(Right.VIEW_CUSTOMERS)
def words(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give the words of the call that a recording belongs to; it is noted for each of its recordings that they were read."""
    user = staff_of(request)
    recording = recording_for(user, pk)
    shown = player.of_session(recording.interaction, user)
    assert shown, "there is the recording itself"
    for row in shown.rows:
        audit.record(user, "recording.read", f"recording:{row.pk}", interaction=row.interaction_id)
    return JsonResponse({"lines": player.lines_of(shown), "more": shown.makes_words, "lacks": shown.lacks_words})


def link_to(recording: Recording, user: User) -> str:
    """Return an address of the sound that works for LINK_S seconds, for the user alone."""
    key = signing.dumps([str(recording.public_id), user.pk], salt=SALT)
    return f"{reverse('desk:audio', args=[recording.public_id])}?key={key}"


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def audio(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Serve the sound by a link that `listen` gave, whole or a part. Rights are asked each time."""
    user = staff_of(request)
    recording = _with_sound(user, pk)
    try:
        named = signing.loads(request.GET.get("key", ""), salt=SALT, max_age=LINK_S)
    except signing.BadSignature:
        named = None
    if named != [str(recording.public_id), user.pk]:
        raise Forbidden(_("This link has expired. Press play again."), code="expired")
    return sound_response(request, recording)


def sound_response(request: HttpRequest, recording: Recording) -> HttpResponseBase:
    """Return the sound of a recording, or a part of it: nobody keeps a copy. Raises Conflict if its bytes are not there."""
    try:
        opened = vault.read(recording.file, recording.key_id)
    except OSError as error:
        recordings.log.error("recording not readable", recording=str(recording.public_id), reason=str(error))
        raise Conflict(
            _("The sound of this recording cannot be read now. Tell the administrator."), code="unreadable"
        ) from None
    response = part_of(request, opened, content_type=recording.content_type, etag=recording.sha256)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


@require_GET
@needs(Right.TAKE_RECORDINGS)
def download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Give the file out of the house; it is noted."""
    user = staff_of(request)
    recording = _with_sound(user, pk)
    audit.record(user, "recording.download", f"recording:{recording.pk}", interaction=recording.interaction_id)
    response = sound_response(request, recording)
    name = f"{recording.interaction}-{recording.started_at.astimezone(UTC):%Y%m%d-%H%M%S}.webm"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@needs(Right.CONTROL)
def hold(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put a recording on legal hold with a reason, or (`release=1`) take it off."""
    user = staff_of(request)
    recording = recording_for(user, pk)
    if request.POST.get("release") == "1":
        recordings.release(recording=recording, actor=user)
    else:
        recordings.hold(recording=recording, actor=user, reason=request.POST.get("reason", ""))
    return HttpResponse(status=204)
