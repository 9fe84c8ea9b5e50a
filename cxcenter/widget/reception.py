"""What a visitor's first words and his requests cause, each in one transaction. Rules are those of the apps."""

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import actions as customers
from customers import normalise
from customers.models import Identity, Profile
from cxcenter.core.errors import Conflict, CxError, Invalid
from cxcenter.core.models import KeptAnswer
from cxcenter.core.planned import Given, Planned
from cxcenter.widget import calls, doors, protocol, tokens
from cxcenter.widget.tokens import Visitor
from interactions.actions import cases, talk
from interactions.choices import Author, CloseReason, TaskKind
from interactions.models import Attachment, Channel, Interaction, Message, Site, Thread, Topic
from routing.actions import callbacks, overflow
from routing.calls import SLOT, slots

CONSENT = "personal_data"
TRAIL = 40
# Asked for by every page of a visitor.
KNOWN = Planned(
    "thread_known",
    lambda: Thread.objects.filter(
        pk=Given("thread", "bigint"), channel_id=Given("channel", "bigint"), profile__customer__erased_at=None
    ),
)
BY_IDENTITY = Planned(
    "thread_of_identity",
    lambda: Thread.objects.filter(
        channel_id=Given("channel", "bigint"),
        identity__kind=Given("kind", "text"),
        identity__value=Given("value", "text"),
        profile__customer__erased_at=None,
    ).order_by("pk")[:1],
)


def thread_of(site: Site, visitor: Visitor, channel: Channel | None = None) -> Thread | None:
    """Return the visitor's thread in a channel (the chat's unless told), or None before his first contact.

    One that was erased is nobody's: he begins anew.
    """
    number = channel.pk if channel else site.channel_id
    known = KNOWN.first(channel=number, thread=visitor.thread) if visitor.thread else None
    return known or BY_IDENTITY.first(channel=number, kind=visitor.kind, value=visitor.value)


def meet(site: Site, visitor: Visitor, channel: Channel | None = None, *, card: Profile | None = None) -> Thread:
    """Return the visitor's thread in a channel; at the first contact he gets an identity, a profile and a thread.

    `card` is on whose card his sessions open, by a link: the browser is not linked to it, for a link can be handed on.
    """
    known = thread_of(site, visitor, channel)
    if known is not None:
        return known
    if card is not None:
        browser = customers.find_identity(kind=visitor.kind, value=visitor.value)
        return talk.open_thread(channel=channel or site.channel, identity=browser, profile=card)
    if visitor.is_signed:
        identity, profile = customers.recognise(
            kind=visitor.kind,
            value=visitor.value,
            proven=_proven(visitor),
            source=f"site:{site.key}",
            name=visitor.about.get("name", ""),
        )
    else:
        identity, found = customers.find_or_create_by_identity(kind=visitor.kind, value=visitor.value, source="webchat")
        # A browser that several people were told to share: its talks are on nobody's card but their own.
        profile = found or customers.create_profile(source="webchat")
    return talk.open_thread(channel=channel or site.channel, identity=identity, profile=profile)


def _proven(visitor: Visitor) -> list[tuple[str, str]]:
    """Return the phone and e-mail that the site has signed; what cannot be read is left out."""
    proven: list[tuple[str, str]] = []
    for kind in (Identity.Kind.EMAIL, Identity.Kind.PHONE):
        try:
            proven.append((kind, normalise.identity(kind, visitor.about.get(kind, ""))))
        except CxError:
            continue
    return proven


def start(*, site: Site, visitor: Visitor, data: dict[str, Any], language: str, proof: dict[str, Any]) -> Message:
    """Open a session with what the visitor filled in and post his first message. The same key does it once.

    Raises Invalid with the field that is wrong, Away if the door is shut (it is kept that he came), Forbidden for a
    blocked visitor.
    """
    try:
        return _begin(site=site, visitor=visitor, data=data, language=language, proof=proof)
    except doors.Away as away:
        with transaction.atomic():
            thread, says = meet(site, visitor), read_form(site, visitor, data)
            topic = protocol.topic_of(site, data)
            if note_refused(away.doorway, thread, topic=topic, language=language, says=says):
                note_form(thread.profile, thread.identity, says, site=site, proof=proof)
        raise


@transaction.atomic
def _begin(*, site: Site, visitor: Visitor, data: dict[str, Any], language: str, proof: dict[str, Any]) -> Message:
    key = key_of(data)
    topic = protocol.topic_of(site, data)
    thread = meet(site, visitor)
    interaction = Interaction.objects.open().filter(thread=thread).first()
    if interaction is None and not Message.objects.filter(thread=thread, client_key=key).exists():
        says = read_form(site, visitor, data)
        doors.refuse_shut(site, topic)
        page = protocol.page_of(data.get("page"))
        interaction, new = talk.open_interaction(thread=thread, topic=topic, language=language, says=says, page=page)
        if new:
            Thread.objects.filter(pk=thread.pk).update(page=page)
            # It may be on another card than the talk before.
            thread = interaction.thread
            note_form(thread.profile, thread.identity, says, site=site, proof=proof)
            keep_trail(site, thread, data.get("trail"))
    text = str(data.get("text") or "")
    return talk.post_message(thread_id=thread.pk, author=Author.CUSTOMER, text=text, client_key=key)[0]


def note_refused(doorway: doors.Doorway, thread: Thread, **session: Any) -> bool:
    """Keep a visit that was refused at a shut door. A site that leads nowhere has no queue to be refused by."""
    if doorway.way is None or doorway.door.open:
        return False
    return overflow.refuse(thread=thread, way=doorway.way, **session) is not None


def key_of(data: dict[str, Any]) -> uuid.UUID:
    """Return the client's key of a write. Raises Invalid."""
    try:
        return uuid.UUID(str(data.get("key")))
    except ValueError:
        raise Invalid(_("Each message needs a key of its own (UUID)."), field="key") from None


def read_form(site: Site, visitor: Visitor, data: dict[str, Any]) -> dict[str, str]:
    """Return what the visitor says of himself: {"name", "contact"}, as far as the site asks. Raises Invalid."""
    says = {"name": protocol.text_of(data, "name", 120), "contact": protocol.text_of(data, "contact", 120)}
    if visitor.is_signed:
        says["name"] = says["name"] or visitor.about.get("name", "")
    if says["contact"]:
        says["contact"] = normalise.contact(says["contact"])[1]
    elif visitor.is_signed and (proven := _proven(visitor)):
        says["contact"] = proven[0][1]
    elif site.need_contact:
        raise Invalid(_("Write a phone or an e-mail, so that we can find you if the line drops."), field="contact")
    require_consent(site, data)
    return {key: value for key, value in says.items() if value}


def require_consent(site: Site, data: dict[str, Any]) -> None:
    """Raise Invalid if the site needs a consent and none was given."""
    if site.ask_consent and data.get("consent") is not True:
        raise Invalid(_("We need your consent to answer you."), field="consent")


def note_form(profile: Profile, identity: Identity, says: dict[str, str], *, site: Site, proof: dict[str, Any]) -> None:
    """Keep what was typed as a source of its own, unverified, and the consent with its proof."""
    if says:
        fields = {"name": says["name"]} if "name" in says else {}
        customers.add_record(profile=profile, source="form", fields=fields, raw=says)
    if site.ask_consent:
        proof = {**proof, "site": site.key, "text": site.consent_url}
        customers.record_consent(profile=profile, identity=identity, purpose=CONSENT, granted=True, proof=proof)


def keep_trail(site: Site, thread: Thread, trail: Any) -> None:
    """Keep what the page had noted before the talk: mere visitors are nobody's row, those who write have a way here."""
    for said in trail[-TRAIL:] if isinstance(trail, list) else []:
        try:
            track(site=site, thread=thread, said=said)
        except Invalid:
            # An old or strange entry of the browser is no reason to refuse the visitor.
            continue


@transaction.atomic
def track(*, site: Site, thread: Thread, said: Any) -> None:
    """Keep a page view or an event of the site. The same key keeps it once. Raises Invalid."""
    kind, data = protocol.event_of(site, said)
    key = key_of(said)
    customers.record_site_event(
        profile_id=thread.profile_id,
        type=kind,
        data=data,
        at=protocol.moment_of(said.get("at")),
        dedup=f"site:{thread.pk}:{key}",
    )


def post(
    *,
    site: Site,
    thread_id: int,
    text: str,
    key: uuid.UUID,
    language: str,
    make_files: Callable[[], list[Attachment]] | None = None,
) -> tuple[Message, bool]:
    """Post a message of the visitor; if his session has ended, a new one opens if the door is open.

    Raises Away if it is shut, Forbidden for a blocked visitor, BadToken for one whose talk was erased.
    """
    say = partial(
        talk.post_message,
        thread_id=thread_id,
        author=Author.CUSTOMER,
        text=text,
        client_key=key,
        make_files=make_files,
    )
    try:
        return say()
    except Conflict as error:
        if error.code != "closed":
            raise
    thread = Thread.objects.select_related("channel", "profile__customer").get(pk=thread_id)
    tokens.refuse_erased(thread)
    last = Interaction.objects.filter(thread=thread).select_related("topic").order_by("-opened_at", "-pk").first()
    topic: Topic | None = last.topic if last else None
    session: dict[str, Any] = {"topic": topic, "language": language, "says": last.says if last else {}}
    try:
        doors.refuse_shut(site, topic)
    except doors.Away as away:
        note_refused(away.doorway, thread, **session)
        raise
    with transaction.atomic():
        talk.open_interaction(thread=thread, **session)
        return say()


@transaction.atomic
def leave_request(
    *,
    site: Site,
    visitor: Visitor,
    data: dict[str, Any],
    language: str,
    proof: dict[str, Any],
    channel: Channel | None = None,
    card: Profile | None = None,
) -> Thread:
    """Turn the form of a shut door into a callback, or a task of the queue's team: a call at a time, or a letter.

    It is the door of a channel (the chat's unless told); `card` is on whose card it is, as in `meet`.

    The same key makes one. Raises Invalid with the field that is wrong, Forbidden for a blocked visitor.
    """
    key = key_of(data)
    require_consent(site, data)
    kind = TaskKind.WRITE if data.get("kind") == "write" else TaskKind.CALLBACK
    contact = calls.phone_of(data) if kind == TaskKind.CALLBACK else _address_of(data)
    name, text = protocol.text_of(data, "name", 120), protocol.text_of(data, "text", talk.MESSAGE_LIMIT)
    if not text:
        raise Invalid(_("Write what it is about."), field="text")
    topic = protocol.topic_of(site, data)
    doorway = doors.of_topic(site, topic, channel)
    if doorway.queue is None:
        doorway = doors.of_site(site)
    zone = calls.zone_of(data)
    slot = calls.slot_of(data, doorway.queue, zone) if kind == TaskKind.CALLBACK else None
    thread = meet(site, visitor, channel, card=card)
    # Who sends it twice at once waits here for the first.
    _kept, new = KeptAnswer.objects.get_or_create(owner=f"request:{thread.pk}", key=str(key))
    if not new:
        return thread
    talk.refuse_blocked(thread)
    says = {"name": name, "contact": contact} if name else {"contact": contact}
    note_form(thread.profile, thread.identity, says, site=site, proof=proof)
    waiting = Interaction.objects.open().filter(thread=thread).exclude(legs__leg="active").first()
    if kind == TaskKind.CALLBACK and doorway.queue is not None and doorway.queue.callbacks:
        wish = callbacks.Wish(
            phone=contact,
            queue=doorway.queue,
            profile=thread.profile,
            at=slot,
            asked_in=thread,
            source=waiting,
            topic=topic,
            language=language,
            zone=zone,
            name=name,
            text=text,
        )
        callbacks.ask(wish)
        return thread
    cases.create_task(
        title=name or contact,
        kind=kind,
        team=doors.team_of(doorway),
        profile=thread.profile,
        due_at=slot or next(iter(slots(doorway.queue)), timezone.now() + SLOT),
        text=text,
        contact=contact,
    )
    if waiting is not None:
        # Who asked to be called back waits in no queue any more: nobody is to answer both.
        talk.close_interaction(interaction_id=waiting.pk, reason=CloseReason.ENDED)
    elif not Interaction.objects.open().filter(thread=thread).exists():
        note_refused(doorway, thread, topic=topic, language=language, says=says)
    return thread


def _address_of(data: dict[str, Any]) -> str:
    """Return the e-mail of the form. Raises Invalid."""
    try:
        return normalise.email(protocol.text_of(data, "contact", 120))
    except Invalid as error:
        raise Invalid(error.message, field="contact") from None
