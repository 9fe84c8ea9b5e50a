"""What is sent again under its key has one effect: the first answer is kept for a day, beside what it did."""

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from cxcenter.core.errors import Conflict, CxError
from cxcenter.core.models import KeptAnswer

View = Callable[..., HttpResponseBase]


class KeyReused(CxError):
    """The key belongs to another request."""

    status = 422
    code = "key_reused"


def claim(*, owner: str, key: str, content: bytes) -> KeptAnswer:
    """Lock an owner's key until the transaction ends; return its answer, without a status if there is none.

    A lock of the database, not a row, marks a key that is being worked on, so a process that dies leaves nothing
    behind. Raises Conflict ("in_progress") for a key that is being worked on, KeyReused for one of another content.
    """
    if not lock(f"{owner} {key}"):
        raise Conflict(_("This request is being worked on. Ask again in a moment."), code="in_progress", retry_after=1)
    digest = hashlib.sha256(content).hexdigest()
    kept = KeptAnswer.objects.filter(owner=owner, key=key).first()
    if kept is None:
        return KeptAnswer(owner=owner, key=key, digest=digest)
    if kept.digest != digest:
        raise KeyReused(_("This Idempotency-Key was used for another request. Take a new key."))
    return kept


def keep(kept: KeptAnswer, *, status: int, body: Any) -> None:
    """Keep the answer of a claimed key with the transaction of its act."""
    kept.status, kept.body = status, body
    kept.save(force_insert=True)


def once(view: View) -> View:
    """Do what a form with a `key` asks for once: who did not get the answer sends it again and gets that one.

    What was refused is not kept: it may be sent again when it has been put right. The view answers JSON.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.POST.get("key", "")[:60]
        if not key:
            return view(request, *args, **kwargs)
        fields = sorted((name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken")
        content = f"{request.path}\n{json.dumps(fields)}".encode()
        with transaction.atomic():
            kept = claim(owner=f"user:{request.user.pk}", key=f"form:{key}", content=content)
            if kept.status is not None:
                return JsonResponse(kept.body, status=kept.status)
            answer = view(request, *args, **kwargs)
            if isinstance(answer, HttpResponse):
                keep(kept, status=answer.status_code, body=json.loads(answer.content))
        return answer

    return wrapped


def lock(name: str) -> bool:
    """Lock a name till the end of the transaction. Returns False if another transaction has it."""
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])
