"""What browsers are told about a thread: plain values, all that a template needs."""

from typing import Any

from cxcenter.core import realtime
from interactions.choices import Audience
from interactions.models import Attachment, Message, Thread

Push = tuple[str, dict[str, Any]]


def file_view(file: Attachment) -> dict[str, Any]:
    """Return an attachment as plain values; the reader's page makes the address."""
    return {
        "id": str(file.pk),
        "name": file.name,
        "kind": file.kind,
        "size": file.size,
        "width": file.width,
        "height": file.height,
    }


def message_view(message: Message, *, files: list[Attachment], name: str) -> dict[str, Any]:
    """Return a message as plain values for staff pages; `name` is the author's name among colleagues."""
    gone = message.withdrawn_at is not None
    return {
        "id": message.pk,
        "thread": message.thread_id,
        "interaction": message.interaction_id,
        "seq": message.seq,
        "changed": message.staff_changed,
        "author": message.author,
        "audience": message.audience,
        "user": message.user_id,
        "name": name,
        "text": "" if gone else message.text,
        "code": message.code,
        "args": message.args,
        "at": message.at.isoformat(),
        "key": str(message.client_key) if message.client_key else "",
        "withdrawn": gone,
        "files": [] if gone else [file_view(file) for file in files],
    }


# Arguments of system lines that customers may see; all else is for staff.
PUBLIC_ARGS = ("name", "reason")


def customer_view(view: dict[str, Any], *, changed: int, public_name: str) -> dict[str, Any]:
    """Return the part of a message that its customer may see, under his own change number."""
    kept = ("id", "seq", "author", "text", "code", "at", "key", "withdrawn", "files")
    return {
        **{key: view[key] for key in kept},
        "args": {key: view["args"][key] for key in PUBLIC_ARGS if key in view["args"]},
        "changed": changed,
        "name": public_name,
    }


def message_pushes(message: Message, *, files: list[Attachment], name: str, public_name: str) -> list[Push]:
    """Return the pushes of a message to both audiences; a note goes to staff alone."""
    view = message_view(message, files=files, name=name)
    pushes: list[Push] = [
        (
            realtime.staff_group(message.thread_id),
            {"kind": "message", "thread": message.thread_id, "changed": message.staff_changed, "message": view},
        )
    ]
    if message.audience == Audience.ALL:
        seen = customer_view(view, changed=message.customer_changed, public_name=public_name)
        pushes.append(
            (
                realtime.customer_group(message.thread_id),
                {"kind": "message", "changed": message.customer_changed, "message": seen},
            )
        )
    return pushes


def marks_view(thread: Thread) -> dict[str, int]:
    """Return up to which seq each side has got and read."""
    return {
        "customer_got": thread.customer_got_seq,
        "customer_read": thread.customer_read_seq,
        "staff_read": thread.staff_read_seq,
    }
