"""`Idempotency-Key`: a write that is sent again gets the answer of the first time and has one effect."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cxcenter.core.api.problems import MEDIA_TYPE
from cxcenter.core.errors import Conflict, CxError, Invalid
from cxcenter.core.models import KeptAnswer

HEADER = "Idempotency-Key"
Act = Callable[..., Response]
FORM = re.compile(r"[\x21-\x7e]{1,100}")


class KeyReused(CxError):
    """The key belongs to another request."""

    status = 422
    code = "key_reused"


class Idempotent(APIView):
    """Keep answers to writes with a key for a day.

    Act and answer are one transaction: after a crash there are both or none. A lock of the database, not a
    row, marks a key that is being worked on, so a process that dies leaves nothing behind.
    """

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Once the caller is known and permitted, see to it that his write with a key is done once."""
        super().initial(request, *args, **kwargs)
        if request.method in SAFE_METHODS:
            return
        # Reading it here refuses what is too large before anything parses it.
        body: bytes = request.body
        if HEADER in request.headers:
            name = str(request.method).lower()
            setattr(self, name, partial(self._do_once, getattr(self, name), body))

    def _do_once(self, act: Act, body: bytes, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            kept = _claim(request, body)
            if kept.status is not None:
                return _replay(kept)
            try:
                answer = act(request, *args, **kwargs)
            except Exception as error:
                answer = self.handle_exception(error)
            # An act that broke off is not kept: it may be tried again.
            if not transaction.get_rollback():
                _keep(kept, answer)
        return answer


def _claim(request: Request, body: bytes) -> KeptAnswer:
    """Lock the request's key until the transaction ends; return its answer, without a status if there is none.

    Raises for a bad key, for one that is being worked on and for one of another request.
    """
    key = request.headers[HEADER]
    if not FORM.fullmatch(key):
        raise Invalid(_("An Idempotency-Key has 1 to 100 visible ASCII characters."), field=HEADER)
    owner = f"token:{request.auth.pk}" if request.auth else f"user:{request.user.pk}"
    if not _lock(f"{owner} {key}"):
        raise Conflict(_("This request is being worked on. Ask again in a moment."), code="in_progress", retry_after=1)
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + body).hexdigest()
    kept = KeptAnswer.objects.filter(owner=owner, key=key).first()
    if kept is None:
        return KeptAnswer(owner=owner, key=key, digest=digest)
    if kept.digest != digest:
        raise KeyReused(_("This Idempotency-Key was used for another request. Take a new key."))
    return kept


def _keep(kept: KeptAnswer, answer: Response) -> None:
    kept.status = answer.status_code
    kept.body = json.loads(JSONRenderer().render(answer.data)) if answer.data is not None else None
    kept.save(force_insert=True)


def _replay(kept: KeptAnswer) -> Response:
    kind = MEDIA_TYPE if (kept.status or 0) >= 400 else None
    return Response(kept.body, status=kept.status, content_type=kind, headers={"Idempotent-Replayed": "true"})


def _lock(name: str) -> bool:
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])
