"""Parts of a file over HTTP (RFC 9110, 14): a player asks for the place it was moved to, not for the whole."""

import os
import re
from collections.abc import Iterator
from typing import IO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

PIECE = 64 * 1024
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def part_of(request: HttpRequest, opened: IO[bytes], *, content_type: str, etag: str) -> HttpResponseBase:
    """Answer a GET with the whole of an open file (200), the one part it asks for (206), or 416 if there is no such part.

    Several parts at once, and parts of what has another `etag` by now, are answered with the whole.
    """
    size = opened.seek(0, os.SEEK_END)
    wanted = RANGE.fullmatch(request.headers.get("Range", "").strip())
    current = request.headers.get("If-Range", f'"{etag}"') == f'"{etag}"'
    start, end = 0, size
    if wanted and wanted.group() != "bytes=-" and current:
        start, end = _bounds(wanted, size)
        if start >= end:
            opened.close()
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = StreamingHttpResponse(_pieces(opened, start, end - start), content_type=content_type)
    if (start, end) != (0, size) or (wanted and current):
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response["Content-Length"] = str(end - start)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{etag}"'
    return response


def _bounds(wanted: re.Match[str], size: int) -> tuple[int, int]:
    first, last = wanted.groups()
    if not first:
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size


def _pieces(opened: IO[bytes], start: int, size: int) -> Iterator[bytes]:
    with opened:
        opened.seek(start)
        while size > 0 and (piece := opened.read(min(PIECE, size))):
            size -= len(piece)
            yield piece
