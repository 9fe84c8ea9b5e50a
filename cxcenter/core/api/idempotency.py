"""`Idempotency-Key`: a write that is sent again gets the answer of the first time and has one effect."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cxcenter.core import once
from cxcenter.core.api.problems import MEDIA_TYPE
from cxcenter.core.errors import Invalid
from cxcenter.core.models import KeptAnswer

HEADER = "Idempotency-Key"
Act = Callable[..., Response]
FORM = re.compile(r"[\x21-\x7e]{1,100}")


class Idempotent(APIView):
    """Keep answers to writes with a key for a day.

    Act and answer are one transaction: after a crash there are both or none.
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
    key = request.headers[HEADER]
    if not FORM.fullmatch(key):
        raise Invalid(_("An Idempotency-Key has 1 to 100 visible ASCII characters."), field=HEADER)
    owner = f"token:{request.auth.pk}" if request.auth else f"user:{request.user.pk}"
    return once.claim(owner=owner, key=key, content=f"{request.method} {request.get_full_path()}\n".encode() + body)


def _keep(kept: KeptAnswer, answer: Response) -> None:
    body = json.loads(JSONRenderer().render(answer.data)) if answer.data is not None else None
    once.keep(kept, status=answer.status_code, body=body)


def _replay(kept: KeptAnswer) -> Response:
    kind = MEDIA_TYPE if (kept.status or 0) >= 400 else None
    return Response(kept.body, status=kept.status, content_type=kind, headers={"Idempotent-Replayed": "true"})
