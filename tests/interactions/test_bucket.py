"""Recordings in a bucket, on a server that speaks S3 (moto) and checks who asks."""

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import time
import uuid
from base64 import b64encode
from datetime import timedelta
from functools import cache

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone

from cxcenter.core.errors import NoRoom
from interactions import vault
from interactions.actions import files, recordings
from interactions.models import DoomedFile, Recording
from tests import sounds
from tests.servers import ROOT, free_port

pytestmark = pytest.mark.django_db(transaction=True)

NAME, KEY = "calls", b64encode(bytes(range(32))).decode()
CALL = sounds.webm(sounds.call_of(6))
# What our own user may do there: no more than the docs say.
RIGHTS = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "Resource": f"arn:aws:s3:::{NAME}/*"}  # fmt: skip


class Server:
    """An S3 server with one bucket and one user."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()
        self.bucket = self.client("s3")
        self.bucket.create_bucket(Bucket=NAME)
        people = self.client("iam")
        people.create_user(UserName="cx")
        people.put_user_policy(
            UserName="cx", PolicyName="calls", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": RIGHTS})
        )
        self.key = people.create_access_key(UserName="cx")["AccessKey"]
        self.check(rights=True)

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client("s3").list_buckets()
            except (BotoCoreError, ClientError):
                assert time.monotonic() < deadline and self.process.poll() is None, "the S3 server does not start"
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def check(self, *, rights: bool) -> None:
        """Let it ask from now on who everybody is, or let everybody in."""
        import httpx

        answer = httpx.post(f"{self.url}/moto-api/reset-auth", content="0" if rights else "inf")
        assert answer.status_code == 200, answer.text

    def client(self, service: str):
        quick = Config(
            connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
        )
        return boto3.client(
            service, endpoint_url=self.url, aws_access_key_id="any", aws_secret_access_key="any",
            region_name="us-east-1", config=quick,
        )  # fmt: skip

    def content(self) -> dict[str, bytes]:
        """All that lies in the bucket, asked for by its owner."""
        self.check(rights=False)
        listed = self.bucket.list_objects_v2(Bucket=NAME).get("Contents", [])
        found = {one["Key"]: self.bucket.get_object(Bucket=NAME, Key=one["Key"])["Body"].read() for one in listed}
        self.check(rights=True)
        return found


@pytest.fixture(scope="module")
def running():
    server = Server()
    yield server
    server.stop()


@cache
def settings_of(server: Server) -> dict:
    """How our settings read the environment: told by a process that has just started."""
    told = {
        "RECORDINGS_S3_BUCKET": NAME,
        "RECORDINGS_S3_URL": server.url,
        "RECORDINGS_S3_ACCESS_KEY": server.key["AccessKeyId"],
        "RECORDINGS_S3_SECRET_KEY": server.key["SecretAccessKey"],
    }
    script = "import pickle, sys; from django.conf import settings; sys.stdout.buffer.write(pickle.dumps(settings.STORAGES['recordings']))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, **told}, capture_output=True, check=True
    )
    return pickle.loads(done.stdout)


def wrong_settings(server: Server, option: str) -> dict:
    right = settings_of(server)
    return {**right, "OPTIONS": {**right["OPTIONS"], option: "wrong"}}


@pytest.fixture(params=["", KEY], ids=["open", "sealed"])
def server(running, settings, request):
    settings.RECORDINGS_KEY = request.param
    settings.STORAGES = {**settings.STORAGES, "recordings": settings_of(running)}
    yield running
    for name in running.content():
        storages["recordings"].delete(name)


@pytest.fixture
def recording(chat):
    return recordings.start(interaction=chat.talk, key=uuid.uuid4(), actor=chat.alice, content_type="audio/webm")


def send(recording: Recording, number: int, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    recordings.keep_piece(recording=recording, number=number, content=content, sha256=digest)


def ready(recording: Recording) -> bytes:
    """Send a call in three pieces, put it together; return its sound."""
    for number, piece in enumerate(sounds.cut(CALL, 3)):
        send(recording, number, piece)
    recordings.finish(recording=recording, pieces=3)
    assert recordings.finish_all() == 1
    recording.refresh_from_db()
    return vault.read(recording.file, recording.key_id).read()


def test_pieces_come_in_and_the_whole_is_heard_by_parts(server, recording, chat, settings):
    sound = ready(recording)
    left, right = sounds.decoded(sound)
    assert sounds.level(left, sounds.CUSTOMER) > 0.4 and sounds.level(right, sounds.OPERATOR) > 0.4
    kept = server.content()
    assert set(kept) == {recording.file, *(one.file for one in recording.pieces.all())}
    sealed = bool(settings.RECORDINGS_KEY)
    assert all(content.startswith(vault.MAGIC) == sealed for content in kept.values())
    assert (sound[200:300] in kept[recording.file]) != sealed
    client = Client()
    client.force_login(chat.alice)
    url = client.post(f"/desk/recordings/{recording.public_id}/listen/").json()["url"]
    assert b"".join(client.get(url).streaming_content) == sound
    for first, last in ((0, 9), (100, 20_000), (len(sound) - 5, len(sound) - 1)):
        part = client.get(url, headers={"Range": f"bytes={first}-{last}"})
        assert part.status_code == 206 and b"".join(part.streaming_content) == sound[first : last + 1]


def test_a_part_is_fetched_and_not_the_whole(server, chat, settings):
    big = os.urandom(3 * 1024 * 1024)
    vault.keep("big", io.BytesIO(big))
    asked: list[str] = []
    opened = vault.read("big", vault.key_now())
    client = storages["recordings"].connection.meta.client
    client.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: asked.append(params["headers"]["Range"])
    )
    opened.seek(2_000_000)
    assert opened.read(1000) == big[2_000_000:2_001_000]
    assert 1 <= len(asked) <= 2
    fetched = [int(end) - int(start) for start, end in (one.removeprefix("bytes=").split("-") for one in asked)]
    assert sum(fetched) <= 2 * 512 * 1024


def test_what_is_deleted_is_gone_from_the_bucket(server, recording):
    ready(recording)
    assert files.discard_files() == 0
    Recording.objects.update(delete_after=timezone.now() - timedelta(days=1))
    assert recordings.expire() == 1
    assert files.discard_files() == 4 and not server.content()


@pytest.mark.parametrize("wrong", ["access_key", "secret_key", "bucket_name"])
def test_who_may_not_in_is_told_so_and_nothing_is_lost(running, recording, chat, settings, wrong):
    right = {**settings.STORAGES, "recordings": settings_of(running)}
    settings.STORAGES = {**settings.STORAGES, "recordings": wrong_settings(running, wrong)}
    said = {
        "access_key": "S3: InvalidAccessKeyId",
        "secret_key": "S3: SignatureDoesNotMatch",
        "bucket_name": "S3: (AccessDenied|NoSuchBucket)",
    }
    with pytest.raises(NoRoom, match=rf"could not be stored \({said[wrong]}\)\. Nothing is lost"):
        send(recording, 0, CALL)
    assert not recording.pieces.exists()
    settings.STORAGES = right
    assert len(ready(recording)) > 10_000
    settings.STORAGES = {**settings.STORAGES, "recordings": wrong_settings(running, wrong)}
    client = Client()
    client.force_login(chat.alice)
    answer = client.get(client.post(f"/desk/recordings/{recording.public_id}/listen/").json()["url"])
    assert answer.status_code == 409 and answer.json()["code"] == "unreadable"
    DoomedFile.objects.create(name=recording.file, storage="recordings")
    assert files.discard_files() == 0 and DoomedFile.objects.count() == 1, "it waits"
    settings.STORAGES = right
    assert files.discard_files() == 1
    for one in recording.pieces.all():
        vault.discard(one.file)
    assert not running.content()


def test_a_server_that_is_away_costs_seconds_and_no_sound(recording, chat, settings):
    server = Server()
    settings.STORAGES = {**settings.STORAGES, "recordings": settings_of(server)}
    for number, piece in enumerate(sounds.cut(CALL, 3)):
        send(recording, number, piece)
    recordings.finish(recording=recording, pieces=3)
    kept = server.content()
    server.stop()
    began = time.monotonic()
    with pytest.raises(NoRoom, match=r"S3: EndpointConnectionError"):
        send(recording, 3, b"more")
    with pytest.raises(OSError):
        recordings.finish_all()
    assert files.discard_files() == 0
    assert time.monotonic() - began < 20
    recording.refresh_from_db()
    assert recording.state == "uploading" and recording.pieces.count() == 3
    # It is back, with what it had.
    server.start()
    server.bucket.create_bucket(Bucket=NAME)
    for name, content in kept.items():
        server.bucket.put_object(Bucket=NAME, Key=name, Body=content)
    Recording.objects.update(claimed_until=timezone.now())
    assert recordings.finish_all() == 1
    recording.refresh_from_db()
    assert len(sounds.decoded(vault.read(recording.file, "").read())[0]) > 5 * sounds.RATE
    server.stop()
