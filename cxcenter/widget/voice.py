"""Calls from a browser: the page, and what it says and is told over HTTP. Its socket is the visitor's own."""

from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import translation
from django.utils.translation import get_language_from_request
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cxcenter.core import ice, realtime
from cxcenter.core.errors import Conflict, NotFound
from cxcenter.widget import api, doors, limits, protocol, reception, sites, tokens
from cxcenter.widget.texts import call_texts
from interactions.actions import calls, talk
from interactions.calls.facts import CUSTOMER
from interactions.models import Channel, Interaction, Site, Thread
from routing import queries

SIGNALS_PER_MIN = 240
PAGE_KEPT_S = 60


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
        }
        context = {"site": site, "language": language, "config": config, "texts": call_texts()}
        response = render(request, "widget/call.html", context)
    response["Cache-Control"] = f"public, max-age={PAGE_KEPT_S}"
    response["Permissions-Policy"] = "microphone=(self)"
    return response


@api.answered
def session(request: HttpRequest, *, language: str) -> HttpResponse:
    """Begin or go on: a token for calls, what the page asks for, the door, and where a call stands."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    data = api.data_of(request)
    api.limit_address(request, "session", api.SESSIONS_PER_MIN)
    site = sites.site_of(protocol.text_of(data, "site", 32))
    channel = channel_of(site)
    known = tokens.of_ticket(protocol.text_of(data, "ticket", 4000))
    visitor = known if known and known.site == site.pk else api.visitor_of(site, data)[0]
    thread = reception.thread_of(site, visitor, channel)
    visitor = visitor.in_thread(thread.pk if thread else 0)
    return JsonResponse(
        {
            "token": tokens.issue(visitor),
            "site": protocol.form(site, language),
            "door": doors.view(doors.of_topic(site, None, channel)),
            "known": visitor.about,
            "ice": ice.servers(f"visitor{visitor.thread}"),
            "state": protocol.call_state(thread) if thread else None,
        }
    )


@api.door("POST")
def start(call: api.Call) -> dict[str, Any]:
    """Call: with what the visitor says of himself. A call that goes on already is answered as it stands."""
    api.limit_starts(call)
    interaction = _begin(call)
    call.visitor = call.visitor.in_thread(interaction.thread_id)
    return {"state": protocol.call_state(interaction.thread), "ice": ice.servers(f"visitor{interaction.thread_id}")}


@transaction.atomic
def _begin(call: api.Call) -> Interaction:
    """Open the session of a call. Raises Invalid with the field that is wrong, Away if nobody can answer."""
    site, channel = call.site, channel_of(call.site)
    says = reception.read_form(site, call.visitor, call.data)
    topic = protocol.topic_of(site, call.data)
    thread = reception.meet(site, call.visitor, channel)
    going = Interaction.objects.open().filter(thread=thread).select_related("thread").first()
    if going is not None:
        return going
    doors.refuse_shut(site, topic, channel)
    interaction, new = talk.open_interaction(
        thread=thread, topic=topic, language=call.language, says=says, page=protocol.page_of(call.data.get("page"))
    )
    if new:
        reception.note_form(interaction.thread.profile, thread.identity, says, site=site, proof=call.proof())
    return interaction


@api.door("POST")
def ticket(call: api.Call) -> dict[str, Any]:
    """Return with what the chat opens the page of calls, so that the call is its own visitor's: {"ticket"}."""
    limits.spend(f"read:{call.visitor.value}", api.READS_PER_MIN)
    channel_of(call.site)
    return {"ticket": tokens.ticket(call.visitor)}


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
