"""Listening sockets: opened before anything else, handed to processes by number."""

import socket


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; raise OSError if the port is taken. Port 0 means any free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
