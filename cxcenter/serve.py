"""One web process: pages by Django's WSGI application and sockets by ASGI (asgi.py), behind uvicorn.

`python -m cxcenter.serve --fd 5` listens on a socket that the launcher has opened, so that several
processes share it; `--port 8000` opens its own (one process per container).
"""

import argparse
import gc
import os
import socket

import uvicorn

from cxcenter.management.launch.ports import listen

PING_S = 20.0
STOP_S = 5
# A page's socket says little: typing, heartbeats, subscriptions.
SOCKET_MESSAGE_BYTES = 64 * 1024
# A request makes thousands of objects and few cycles: looking for those at every 700 objects is wasted.
COLLECT_AFTER = 20_000


def main() -> None:
    """Serve until SIGTERM or SIGINT; open requests get STOP_S seconds to finish."""
    parser = argparse.ArgumentParser(prog="python -m cxcenter.serve", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--fd", type=int, help="number of an open listening socket")
    where.add_argument("--port", type=int, help="TCP port to listen on")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on, with --port")  # noqa: S104 — a container
    options = parser.parse_args()

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cxcenter.settings")
    from cxcenter.asgi import application  # needs the settings' name

    # What is loaded by now stays: the collector need not walk through it again and again.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    listener = socket.socket(fileno=options.fd) if options.fd is not None else listen(options.host, options.port)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        # The settings have set the logs up.
        log_config=None,
        server_header=False,
        # The address behind a proxy is found by our own rule (TRUSTED_PROXIES).
        proxy_headers=False,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_max_size=SOCKET_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=STOP_S,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
