"""Calls from a browser: the page, and what it says and is told over HTTP. Its socket is the visitor's own."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language_from_request
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from customers.models import Profile
from cxcenter.core import ice, realtime
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.widget import api, doors, limits, protocol, reception, sites, tokens
from cxcenter.widget.texts import call_texts
from interactions import sound
from interactions.actions import call_links, calls, cases, recordings, talk
from interactions.calls.facts import CUSTOMER
from interactions.choices import Music
from interactions.models import CallLink, Channel, Interaction, Site, Thread, Topic
from routing import calls as routing_calls
from routing import queries
from routing.actions import voicemail as voicemail_acts

SIGNALS_PER_MIN = 240
PAGE_KEPT_S = 60
MESSAGES_PER_HOUR = 20


def channel_of(site: Site) -> Channel:
    """Return the channel in which a site takes calls. Raises NotFound if it takes none."""
    if site.voice is None or not site.voice.active:
        raise NotFound(_("This site takes no calls."), code="no_calls")
    return site.voice


@require_safe
def page(request: HttpRequest, key: str) -> HttpResponse:
    """Show the page from which a visitor calls."""
    try:
        site = sites.site_of(key)
        channel_of(site)
    except NotFound:
        raise Http404 from None
    asked = request.GET.get("lang", "")[:2].lower()
    language = asked if asked in {"en", "ru"} else get_language_from_request(request)
    language = "ru" if language == "ru" else "en"
    with translation.override(language):
        config = {
            "site": f"{site.key}.call",
            "key": site.key,
            "language": language,
            "icons": static("vendor/icons.svg"),
            "day": [edge.hour for edge in routing_calls.DAY],
        }
        context = {"site": site, "language": language, "config": config, "texts": call_texts()}
        response = render(request, "widget/call.html", context)
    response["Cache-Control"] = f"public, max-age={PAGE_KEPT_S}"
    response["Permissions-Policy"] = "microphone=(self)"
    return response


@require_safe
def music(request: HttpRequest, key: str) -> HttpResponseBase:
    """Send the music of a site's wait."""
    try:
        site = sites.site_of(key)
    except NotFound:
        raise Http404 from None
    if site.music != Music.FILE or not site.music_file:
        raise Http404
    response = FileResponse(site.music_file.open("rb"), content_type=sound.PLAYED)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    # Another file has another name, which is in its address.
    response["Cache-Control"] = "public, max-age=86400"
    return response


def _music_of(site: Site) -> str:
    """Return what who waits hears: "built_in", the address of a file, or ""."""
    if site.music == Music.FILE and site.music_file:
        return f"{reverse('widget:music', args=[site.key])}?v={PurePath(str(site.music_file)).stem}"
    return str(Music.BUILT_IN) if site.music == Music.BUILT_IN else ""


@api.answered
def session(request: HttpRequest, *, language: str) -> HttpResponse:
    """Begin or go on: a token for calls, what the page asks for, the door, and where a call stands."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    data = api.data_of(request)
    api.limit_address(request, "session", api.SESSIONS_PER_MIN)
    site = sites.site_of(protocol.text_of(data, "site", 32))
    channel = channel_of(site)
    link = protocol.text_of(data, "link", 200)
    opened = call_links.read(site, link) if link else None
    visitor = _visitor(site, data, opened)
    thread = reception.thread_of(site, visitor, channel)
    if opened is not None and not (thread and Interaction.objects.open().filter(thread=thread).exists()):
        call_links.refuse_over(opened, visitor.value)
    visitor = visitor.in_thread(thread.pk if thread else 0)
    form = protocol.form(site, language)
    return JsonResponse(
        {
            "token": tokens.issue(visitor),
            "who": hashlib.sha256(f"{site.pk} {visitor.kind} {visitor.value}".encode()).hexdigest()[:16],
            "site": protocol.form_by_link(form, opened) if opened else form,
            "door": doors.view(doors.of_topic(site, opened.topic if opened else None, channel)),
            "known": visitor.about,
            "music": _music_of(site),
            "ice": ice.servers(f"visitor{visitor.thread}"),
            "state": protocol.call_state(thread) if thread else None,
        }
    )


def _visitor(site: Site, data: dict[str, Any], link: CallLink | None) -> tokens.Visitor:
    """Return who calls: the browser that has opened a link, the chat's own visitor, or whom the token names."""
    known = api.known(site, protocol.text_of(data, "token", 4000))
    if link is not None:
        return known if known and known.link == link.pk else replace(tokens.stranger(site), link=link.pk)
    of_chat = tokens.of_ticket(protocol.text_of(data, "ticket", 4000))
    if of_chat and of_chat.site == site.pk:
        return of_chat
    # A browser that has called by a link is a stranger without it.
    return api.visitor_of(site, {} if known and known.link else data)[0]


@api.door("POST")
def start(call: api.Call) -> dict[str, Any]:
    """Call: with what the visitor says of himself. A call that goes on already is answered as it stands."""
    api.limit_starts(call)
    try:
        interaction = _begin(call)
    except doors.Away as away:
        _note_refused(call, away.doorway)
        raise
    call.visitor = call.visitor.in_thread(interaction.thread_id)
    return {"state": protocol.call_state(interaction.thread), "ice": ice.servers(f"visitor{interaction.thread_id}")}


@transaction.atomic
def _begin(call: api.Call) -> Interaction:
    """Open the session of a call. Raises Invalid with the field that is wrong, Away if nobody can answer."""
    site, channel = call.site, channel_of(call.site)
    thread = reception.thread_of(site, call.visitor, channel)
    going = talk.going_in(thread) if thread else None
    if going is not None:
        return going
    caller = _read(call)
    thread = reception.meet(site, call.visitor, channel, card=caller.card)
    doors.refuse_shut(site, caller.topic, channel)
    interaction, new = talk.open_interaction(
        thread=thread,
        topic=caller.topic,
        language=call.language,
        says=caller.says,
        page=protocol.page_of(call.data.get("page")),
        voice={"link": caller.link},
    )
    if new:
        reception.note_form(
            interaction.thread.profile, interaction.thread.identity, caller.says, site=site, proof=call.proof()
        )
    if new and caller.link and caller.link.case and caller.link.made_by:
        cases.link_case(case=caller.link.case, interaction=interaction, actor=caller.link.made_by)
    return interaction


@transaction.atomic
def _note_refused(call: api.Call, doorway: doors.Doorway) -> None:
    """Keep that somebody called and was turned away."""
    caller = _read(call)
    thread = reception.meet(call.site, call.visitor, channel_of(call.site), card=caller.card)
    said = {"topic": caller.topic, "language": call.language, "says": caller.says}
    if reception.note_refused(doorway, thread, **said):
        reception.note_form(thread.profile, thread.identity, caller.says, site=call.site, proof=call.proof())


@dataclass(frozen=True)
class Caller:
    """Who calls about what: by a link, on whose card; else what he says of himself."""

    link: CallLink | None
    topic: Topic | None
    says: dict[str, str]

    @property
    def card(self) -> Profile | None:
        """On whose card the call is, if that is known before it."""
        return self.link.profile if self.link else None


def _read(call: api.Call) -> Caller:
    """Read the form of a call, inside a transaction; by a link he is asked for his consent alone.

    Raises Invalid with the field that is wrong, Gone or Conflict for a link that cannot be used.
    """
    if not call.visitor.link:
        says = reception.read_form(call.site, call.visitor, call.data)
        return Caller(None, protocol.topic_of(call.site, call.data), says)
    link = call_links.claim(call.visitor.link, call.visitor.value)
    reception.require_consent(call.site, call.data)
    return Caller(link, link.topic or protocol.topic_of(call.site, call.data), {})


@api.door("POST")
def ticket(call: api.Call) -> dict[str, Any]:
    """Return with what the chat opens the page of calls, so that the call is its own visitor's: {"ticket"}."""
    limits.spend(f"read:{call.visitor.value}", api.READS_PER_MIN)
    channel_of(call.site)
    return {"ticket": tokens.ticket(call.visitor)}


@api.door("POST")
@transaction.atomic
def offline(call: api.Call) -> dict[str, Any]:
    """Leave a request at a shut door, as in the chat: it becomes a callback or a task."""
    api.limit_starts(call)
    link = call_links.claim(call.visitor.link, call.visitor.value) if call.visitor.link else None
    thread = reception.leave_request(
        site=call.site,
        visitor=call.visitor,
        data=call.data,
        language=call.language,
        proof=call.proof(),
        channel=channel_of(call.site),
        card=link.profile if link else None,
    )
    call.visitor = call.visitor.in_thread(thread.pk)
    return {"left": True, "callback": protocol.callback_view(thread)}


@api.door("POST")
def voicemail(call: api.Call) -> dict[str, Any]:
    """Leave a message instead of waiting, or at a shut door: multipart "file" and "key", and the fields of `call/start`.

    The same key leaves one, however often it is sent.
    """
    limits.spend_shared(f"voicemail:{call.visitor.value[:80]}", MESSAGES_PER_HOUR, api.HOUR_S)
    api.limit_starts(call)
    file = call.request.FILES.get("file")
    if file is None:
        raise Invalid(_("Choose a file."), field="file")
    call.data = {**call.data, "consent": call.data.get("consent") == "true"}
    thread = _leave(call, recordings.read_message(file))
    call.visitor = call.visitor.in_thread(thread.pk)
    return {"state": protocol.call_state(thread)}


@transaction.atomic
def _leave(call: api.Call, content: bytes) -> Thread:
    site, channel, key = call.site, channel_of(call.site), reception.key_of(call.data)
    thread = reception.thread_of(site, call.visitor, channel)
    if voicemail_acts.left_before(thread=thread, key=key):
        assert thread is not None
        return thread
    going = Interaction.objects.open().filter(thread=thread).first() if thread else None
    if going is not None:
        voicemail_acts.instead_of_waiting(interaction=going, key=key, content=content)
        return going.thread
    caller = _read(call)
    way = doors.of_topic(site, caller.topic, channel).way
    if way is None:
        raise Conflict(_("No messages are taken here."), code="no_voicemail")
    thread = reception.meet(site, call.visitor, channel, card=caller.card)
    said = {"topic": caller.topic, "language": call.language, "says": caller.says}
    voicemail_acts.at_the_door(thread=thread, way=way, key=key, content=content, link=caller.link, **said)
    reception.note_form(thread.profile, thread.identity, caller.says, site=site, proof=call.proof())
    return thread


def _thread(call: api.Call) -> Thread:
    """Return the thread of the visitor's calls. Raises NotFound for a token of his chat, and before his first call."""
    thread = call.thread()
    if thread.channel_id != channel_of(call.site).pk:
        raise NotFound(_("There is no talk yet."), code="no_talk")
    return thread


@api.door("GET")
def state(call: api.Call) -> dict[str, Any]:
    """Tell where the call stands: for a page that was loaded again or had lost its line."""
    limits.spend(f"read:{call.visitor.value}", api.READS_PER_MIN)
    thread = _thread(call)
    return {"state": protocol.call_state(thread), "ice": ice.servers(f"visitor{thread.pk}")}


@api.door("POST")
def signal(call: api.Call) -> dict[str, Any]:
    """Pass a description of a connection on to the operator who calls: {"party", "conn", "turn", "what", "sdp"}."""
    limits.spend(f"signal:{call.visitor.value}", SIGNALS_PER_MIN)
    interaction = Interaction.objects.open().filter(thread=_thread(call)).first()
    leg = queries.owner_of(interaction.pk) if interaction else None
    if interaction is None or leg is None:
        raise Conflict(_("Nobody talks to you now."), code="nobody")
    if call.data.get("party") != calls.party_of(leg.operator_id):
        raise Conflict(_("Somebody else has your call now."), code="moved")
    said = {"kind": "sdp", "id": interaction.pk, "from": CUSTOMER, **calls.read_signal(call.data)}
    realtime.publish((realtime.user_group(leg.operator_id), said))
    return {"sent": True}


@api.door("POST")
def ready(call: api.Call) -> dict[str, Any]:
    """Ask the operator to call this page anew: it was loaded again, or opened in another tab."""
    limits.spend(f"signal:{call.visitor.value}", SIGNALS_PER_MIN)
    interaction = Interaction.objects.open().filter(thread=_thread(call)).first()
    leg = queries.owner_of(interaction.pk) if interaction else None
    if interaction is not None and leg is not None:
        realtime.publish(
            (realtime.user_group(leg.operator_id), {"kind": "ready", "id": interaction.pk, "from": CUSTOMER})
        )
    return {"called": leg is not None}
