"""What the OpenAPI schema says of every call: its scope, its refusals, its key."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from cxcenter.core.api.idempotency import HEADER
from cxcenter.core.api.permissions import scope_needed
from cxcenter.core.api.problems import MEDIA_TYPE, Problem

REFUSALS = {
    "400": "Fields or parameters are not valid.",
    "401": "No token, or one that is unknown, revoked or expired.",
    "403": "The token lacks the scope, or the act is not permitted.",
    "404": "There is no such thing, or the caller may not know of it.",
    "409": "The thing is in another state, was changed meanwhile, or the same key is being worked on.",
    "410": "The customer whom it is about was erased.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The Idempotency-Key was used for another request.",
    "429": "Too many requests; Retry-After says when to come back.",
}
OF_EVERY_CALL = ("400", "401", "403", "429")
OF_WRITES = ("409", "410", "413", "415", "422")
KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]{1,100}$"},
    OpenApiParameter.HEADER,
    description="The same key with the same request has one effect and gets the same answer for a day.",
)


class ApiSchema(AutoSchema):
    """One operation of the schema."""

    def get_override_parameters(self) -> list[Any]:
        """Add the key to writes."""
        return [] if self.method == "GET" else [KEY]

    def get_description(self) -> str:
        """Add the scope to what the view says of itself."""
        return f"{super().get_description()}\n\nScope: `{scope_needed(self.view, self.method)}`."

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Any]:
        """Add the refusals."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for code in self._refusals():
            bodies.setdefault(code, self._refusal(code))
        return bodies

    def _refusals(self) -> list[str]:
        about_one = ["404", "410"] if "{" in self.path else []
        return sorted({*OF_EVERY_CALL, *about_one, *([] if self.method == "GET" else OF_WRITES)})

    def _refusal(self, code: str) -> dict[str, Any]:
        component = self.resolve_serializer(Problem(), "response")
        answer: dict[str, Any] = {"description": REFUSALS[code], "content": {MEDIA_TYPE: {"schema": component.ref}}}
        if code == "401":
            answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}
        if code == "429":
            answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "required": True}}
        return answer
