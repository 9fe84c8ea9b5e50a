"""A page on another origin that embeds the chat by its one tag."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><script src="{center}/widget.js" data-site="demo" async></script></body></html>"""


class Shop:
    """Serves `/` (English) and `/ru` (Russian)."""

    def __init__(self, center: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lang = "ru" if self.path.startswith("/ru") else "en"
                title = "Зимние шины" if lang == "ru" else "Winter tyres"
                body = PAGE.format(lang=lang, title=title, center=center).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
