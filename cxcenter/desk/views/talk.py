"""Writing: messages, notes, files, marks, drafts. Browsers write by POST with a client key."""

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cxcenter.accounts.roles import Right
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.reading import moment, number
from cxcenter.core.requests import needs, staff_of
from cxcenter.desk import conversation
from cxcenter.desk.views.common import key_of, note_reading, session_for, whole
from interactions import pushes, uploads
from interactions.actions import drafts, talk
from interactions.choices import Audience, Author
from interactions.models import Attachment, Interaction, Message, QuickReply
from routing.actions import legs


def _sent(message: Message) -> JsonResponse:
    view = pushes.message_view(
        message, files=list(message.attachments.all()), name=message.user.name if message.user else ""
    )
    return JsonResponse(
        {
            "id": message.pk,
            "thread": message.thread_id,
            "seq": message.seq,
            "changed": message.staff_changed,
            "key": view["key"],
            "html": conversation.message_html(conversation.entry(view)),
        }
    )


@require_POST
@needs(Right.VIEW_CUSTOMERS)
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """Store a reply or a note. A reply is for the owner of the session; a note for everybody who may read it.

    `after` is the last seq the writer had seen: a colleague's reply since then is answered 409 "crossed".
    """
    user = staff_of(request)
    session = session_for(user, pk)
    note = request.POST.get("note") == "1"
    stored = _sent_before(request, session)
    if stored is not None:
        return _sent(stored)
    if not note:
        talk.refuse_unread(session)
        legs.owned_leg(interaction_id=pk, actor=user)
    after = request.POST.get("after", "")
    message, new = talk.post_message(
        thread_id=session.thread_id,
        author=Author.STAFF,
        text=request.POST.get("text", ""),
        client_key=key_of(request),
        meant_for=session.pk,
        user=user,
        audience=Audience.STAFF if note else Audience.ALL,
        unless_after=None if note else number(after),
    )
    if new:
        drafts.drop_draft(interaction=session, actor=user, sent_at=moment(request.POST.get("written")))
        _count_reply(request.POST.get("reply", ""))
    return _sent(message)


def _sent_before(request: HttpRequest, session: Interaction) -> Message | None:
    """Return what a retry has stored already: it is answered so, though the session may be a colleague's now."""
    mine = Message.objects.filter(thread=session.thread_id, client_key=key_of(request), user=staff_of(request))
    return mine.prefetch_related("attachments").first()


def _count_reply(pk: str) -> None:
    from django.db.models import F

    ident = number(pk)
    if ident is not None:
        QuickReply.objects.filter(pk=ident).update(used=F("used") + 1)


@require_POST
@needs(Right.SERVE)
def send_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Store a file as a message of its own, checked by its content."""
    user = staff_of(request)
    session = session_for(user, pk)
    stored = _sent_before(request, session)
    if stored is not None:
        return _sent(stored)
    note = request.POST.get("note") == "1"
    if not note:
        talk.refuse_unread(session)
    legs.owned_leg(interaction_id=pk, actor=user)
    upload = request.FILES.get("file")
    if upload is None:
        raise Invalid(_("No file came with this."), field="file")
    attachment = uploads.read_upload(upload)
    message, _new = talk.post_message(
        thread_id=session.thread_id,
        author=Author.STAFF,
        text="",
        client_key=key_of(request),
        meant_for=session.pk,
        user=user,
        audience=Audience.STAFF if note else Audience.ALL,
        make_files=lambda: [attachment],
    )
    return _sent(message)


@require_POST
@needs(Right.SERVE)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back one's own message within five seconds."""
    user = staff_of(request)
    if not Message.objects.visible_to(user).filter(pk=pk).exists():
        raise NotFound(_("There is no such message."))
    message = talk.withdraw_message(message_id=pk, actor=user)
    return JsonResponse({"text": Message.objects.values_list("text", flat=True).get(pk=message.pk)})


@require_POST
@needs(Right.SERVE)
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the owner has read up to a seq. A colleague who only looks reads nothing away."""
    user = staff_of(request)
    session = session_for(user, pk)
    try:
        legs.owned_leg(interaction_id=pk, actor=user)
    except Conflict:
        return JsonResponse({"read": False})
    talk.mark_by_staff(interaction=session, seq=whole(request.POST.get("seq"), "seq"))
    return JsonResponse({"read": True})


@require_POST
@needs(Right.SERVE)
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what has been typed so far; with `add=1` behind what is kept already."""
    user = staff_of(request)
    keep = drafts.add_to_draft if request.POST.get("add") == "1" else drafts.save_draft
    keep(
        interaction=session_for(user, pk),
        actor=user,
        text=request.POST.get("text", ""),
        is_note=request.POST.get("note") == "1",
    )
    return HttpResponse(status=204)


@require_GET
@needs(Right.VIEW_CUSTOMERS)
def file(request: HttpRequest, pk: str) -> StreamingHttpResponse:
    """Serve an attachment as a download that runs nothing."""
    user = staff_of(request)
    readable = Attachment.objects.filter(
        pk=pk, message__withdrawn_at=None, message__interaction__in=Interaction.objects.visible_to(user)
    )
    found = readable.select_related("message__interaction").first()
    if found is None:
        raise NotFound(_("There is no such file."))
    note_reading(user, found.message.interaction)
    return file_response(found)


def file_response(found: Attachment) -> FileResponse:
    """Return a file as an attachment: no sniffing, no scripts, no caching by others."""
    response = FileResponse(
        found.file.open("rb"), as_attachment=True, filename=found.name, content_type=found.content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=3600"
    return response
