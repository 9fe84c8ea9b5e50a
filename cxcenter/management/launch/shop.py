"""The demo shop: a few static pages on an origin of their own, which embed the chat widget.

A process of its own without Django. `{{ center }}` in a page becomes the address of CX Center.
"""

import argparse
import functools
import io
import socket
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO


class Page(SimpleHTTPRequestHandler):
    """Files of the shop's folder; pages are filled in."""

    def __init__(self, *arguments: Any, center: str, **options: Any) -> None:
        self.center = center
        super().__init__(*arguments, **options)

    def send_head(self) -> BinaryIO | None:
        """Answer a page with its placeholder filled in, any other file as it lies, a folder never."""
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if path.suffix != ".html" or not path.is_file():
            if path.name == "index.html":
                self.send_error(404)
                return None
            return super().send_head()
        body = path.read_text(encoding="utf-8").replace("{{ center }}", self.center).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        return io.BytesIO(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the log empty: only errors are of interest, and they are raised."""


def main() -> None:
    """Serve the folder until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="number of an open listening socket")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--center", required=True, help="address of CX Center, without a slash at the end")
    options = parser.parse_args()
    page = functools.partial(Page, directory=options.folder, center=options.center)
    server = ThreadingHTTPServer(("", 0), page, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=options.fd)
    server.serve_forever()


if __name__ == "__main__":
    main()
