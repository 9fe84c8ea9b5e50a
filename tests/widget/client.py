"""A visitor over HTTP, as his page speaks."""

import io
import json
import uuid
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from interactions.models import Site


class Visitor:
    """Keeps the token as the frame does; `answer` is the last HTTP answer."""

    def __init__(self, site: Site, client: Client | None = None, **headers: str) -> None:
        self.site, self.client, self.headers = site, client or Client(), headers
        self.token = ""
        self.answer: Any = None

    def call(self, method: str, name: str, data: dict[str, Any] | None = None, **headers: str) -> Any:
        sent = {"Authorization": f"Visitor {self.token}", **self.headers, **headers}
        if method == "GET":
            self.answer = self.client.get(f"/widget/api/{name}", data or {}, headers=sent)
        else:
            body = json.dumps(data or {})
            self.answer = self.client.post(f"/widget/api/{name}", body, content_type="application/json", headers=sent)
        if "X-CX-Token" in self.answer:
            self.token = self.answer["X-CX-Token"]
        return self.answer.json() if self.answer.get("Content-Type", "").startswith("application/json") else None

    def post(self, name: str, data: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.call("POST", name, data, **headers)

    def get(self, name: str, data: dict[str, Any] | None = None) -> Any:
        return self.call("GET", name, data)

    def session(self, **data: Any) -> Any:
        answer = self.post("session", {"site": self.site.key, "token": self.token, **data})
        if self.answer.status_code == 200:
            self.token = answer["token"]
        return answer

    def start(self, text: str = "Hello", **data: Any) -> Any:
        if not self.token:
            self.session()
        return self.post("start", {"text": text, "key": str(uuid.uuid4()), **data})

    def say(self, text: str, key: str | None = None) -> Any:
        return self.post("messages", {"text": text, "key": key or str(uuid.uuid4())})

    def send_file(self, file: Any, key: str | None = None) -> Any:
        self.answer = self.client.post(
            "/widget/api/files",
            {"file": file, "key": key or str(uuid.uuid4())},
            headers={"Authorization": f"Visitor {self.token}", **self.headers},
        )
        return self.answer.json()


def png(name="photo.png"):
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(content, "PNG")
    return SimpleUploadedFile(name, content.getvalue(), "image/png")
