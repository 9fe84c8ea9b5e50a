"""Every request gets an id for the logs, and every page a content policy."""

import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

# Templates may style single elements (a bar's width); scripts come from our own files only.
STRICT = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
# django-unfold uses Alpine.js, which needs eval, and inline styles.
ADMIN = STRICT.replace("script-src 'self'", "script-src 'self' 'unsafe-inline' 'unsafe-eval'").replace(
    "style-src 'self'", "style-src 'self' 'unsafe-inline'"
)
Answer = Callable[[HttpRequest], HttpResponse]


class RequestContext:
    """Give the request an id (or keep the proxy's) and put it on every log line and the answer."""

    def __init__(self, get_response: Answer) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the header X-Request-ID."""
        given = request.headers.get("X-Request-ID", "")
        ident = given if given.isalnum() and len(given) <= 64 else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request=ident):
            response = self.get_response(request)
        response["X-Request-ID"] = ident
        return response


class ContentPolicy:
    """Set Content-Security-Policy: strict everywhere, wider for the admin alone.

    A view that is embedded on purpose (the widget's frame) sets its own header first.
    """

    def __init__(self, get_response: Answer) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with a policy unless the view has set one."""
        response = self.get_response(request)
        if "Content-Security-Policy" not in response:
            policy = ADMIN if request.path.startswith("/admin/") else STRICT
            response["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
        return response
