"""The one ASGI application: pages by WSGI in fixed threads, sockets by Channels.

Measured: HTTP in fixed threads with kept database connections serves more than ASGI with a pool, and
kept connections leak under ASGI's own threads. So only sockets are ASGI.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cxcenter.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

wsgi = get_wsgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402

from cxcenter.board.consumers import BoardConsumer  # noqa: E402
from cxcenter.core import heartbeats  # noqa: E402
from cxcenter.desk.consumers import DeskConsumer  # noqa: E402
from cxcenter.pages import Pages  # noqa: E402
from cxcenter.widget.consumers import VisitorConsumer  # noqa: E402

staff = AllowedHostsOriginValidator(
    AuthMiddlewareStack(
        URLRouter([path("ws/desk/", DeskConsumer.as_asgi()), path("ws/board/", BoardConsumer.as_asgi())])
    )
)
# The visitor's frame has no cookies: its token comes as the first message.
visitors = AllowedHostsOriginValidator(URLRouter([path("ws/visitor/", VisitorConsumer.as_asgi())]))


async def sockets(scope, receive, send):  # type: ignore[no-untyped-def]
    """Route a socket to staff or visitors by its path."""
    chosen = visitors if scope["path"] == "/ws/visitor/" else staff
    return await chosen(scope, receive, send)


async def http(scope, receive, send):  # type: ignore[no-untyped-def]
    """Answer a page. The process says that it runs even if no socket is open, as after an outage."""
    heartbeats.ensure_running()
    await pages(scope, receive, send)


pages = Pages(wsgi, threads=settings.WEB_THREADS, body_bytes=(settings.UPLOAD_LIMIT_MB + 1) * 1024 * 1024)
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
