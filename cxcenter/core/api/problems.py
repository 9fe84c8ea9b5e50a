"""Errors as application/problem+json (RFC 9457): words for people, codes for programs."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import connection, transaction
from django.http import Http404
from django.utils.translation import gettext as _
from psycopg2.errors import DeadlockDetected
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from cxcenter.core.errors import CxError

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"


class FieldProblem(serializers.Serializer[Any]):
    """What is wrong with one field."""

    field = serializers.CharField(help_text="Its path in the body or query; empty: the whole.")
    code = serializers.CharField()
    message = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """What every refusal looks like (RFC 9457)."""

    type = serializers.CharField(help_text="about:blank: `code` says which problem it is.")
    title = serializers.CharField(help_text="The name of the status.")
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="For programs; it does not depend on the language.")
    detail = serializers.CharField(help_text="For people, in the language of Accept-Language.")
    errors = FieldProblem(many=True, required=False)  # type: ignore[assignment]


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    """Return an answer of the form `Problem`; `more` are further members that are not empty."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **{name: value for name, value in more.items() if value not in (None, [])},
    }
    return Response(body, status=status, content_type=MEDIA_TYPE)


def problem_response(error: Exception, context: dict[str, Any]) -> Response:
    """Answer an exception of a view: the framework's exception handler."""
    if isinstance(error, CxError):
        return _refusal(error)
    if isinstance(error, Http404):
        return problem(404, "not_found", _("There is no such thing, or you may not know of it."))
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return problem(413, "too_large", _("The body is too large."))
    if isinstance(error, exceptions.APIException):
        return _framework_refusal(error)
    _undo()
    if isinstance(error.__cause__, DeadlockDetected):
        answer = problem(409, "busy", _("Somebody changes the same things just now. Send it again."))
        answer["Retry-After"] = "1"
        return answer
    return _failure(error, context)


def _refusal(error: CxError) -> Response:
    more = dict(error.detail)
    field, retry_after = more.pop("field", None), more.pop("retry_after", None)
    words = str(error.message)
    errors = [{"field": field, "code": error.code, "message": words}] if field else []
    answer = problem(error.status, error.code, words, errors=errors, **more)
    if retry_after is not None:
        answer["Retry-After"] = str(retry_after)
    return answer


def _framework_refusal(error: exceptions.APIException) -> Response:
    if isinstance(error, exceptions.ValidationError):
        answer = problem(400, "invalid", _("Some fields are not valid."), errors=list(_flat(error.detail)))
    else:
        answer = problem(error.status_code, str(error.get_codes()), str(error.detail))
    if getattr(error, "auth_header", None):
        answer["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        answer["Retry-After"] = str(error.wait)  # type: ignore[attr-defined]
    return answer


def _flat(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Turn the framework's nested errors into a list with dotted paths."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from _flat(inner, ".".join(filter(None, (path, step))))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from _flat(inner, ".".join(filter(None, (path, str(number)))) if nested else path)
    else:
        yield {"field": path, "code": str(getattr(detail, "code", "invalid")), "message": str(detail)}


def _failure(error: Exception, context: dict[str, Any]) -> Response:
    """Answer a mistake of ours: logged in full, told in one sentence."""
    log.error("API call failed", exc_info=error)
    got_request_exception.send(sender=type(context["view"]), request=context["request"])
    return problem(500, "failed", _("Something went wrong on our side. Try again later."))


def _undo() -> None:
    """Keep nothing of an act that broke off."""
    if connection.in_atomic_block:
        transaction.set_rollback(True)
