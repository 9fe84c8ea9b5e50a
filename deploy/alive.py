"""Ask the web process of this container whether it lives; the exit code is the answer.

The request carries the name and scheme a browser would come with: production refuses others.
"""

import os
import sys
import urllib.request
from urllib.parse import urlsplit

HEADERS = {"Host": urlsplit(os.environ["PUBLIC_URL"]).netloc, "X-Forwarded-Proto": "https"}

try:
    with urllib.request.urlopen(
        urllib.request.Request("http://127.0.0.1:8000/healthz", headers=HEADERS), timeout=4
    ) as answer:
        sys.exit(answer.status != 200)
except OSError as error:
    sys.exit(f"no answer: {error}")
