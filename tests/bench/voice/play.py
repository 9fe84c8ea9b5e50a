"""A recording of an hour starts in the player: from the press of play in Chromium until sound comes, encrypted at rest."""

import io
import os
import shutil
import time
from base64 import b64encode
from collections.abc import Iterable
from tempfile import TemporaryDirectory

import av
from playwright.sync_api import Page, sync_playwright

from tests.bench.center import center, main
from tests.bench.report import Figure, percentile

HOUR_S, MINUTE_S = 3600, 60
RUNS = 20
# Each second run begins in the middle: by a link to a moment.
PLACES = (0, 1800)
PLAY = """
() => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("no sound within 10 s")), 10000);
    const player = document.querySelector("cx-player");
    const pressed = performance.now();
    player.addEventListener("cx:playing", () => resolve(performance.now() - pressed), { once: true });
    player.querySelector("[data-do=play]").click();
})
"""


def an_hour() -> io.BytesIO:
    """WebM with Opus as a browser's recorder gives it: one minute of two tones, sixty times."""
    from tests import sounds

    minute = sounds.webm(sounds.call_of(MINUTE_S))
    out = io.BytesIO()
    with av.open(out, "w", format="webm", options={"live": "1"}) as writer:
        with av.open(io.BytesIO(minute)) as source:
            stream = writer.add_stream_from_template(source.streams.audio[0])
        for number in range(HOUR_S // MINUTE_S):
            with av.open(io.BytesIO(minute)) as source:
                for packet in source.demux(audio=0):
                    if packet.dts is None:
                        continue
                    packet.pts = packet.dts = packet.pts + number * (MINUTE_S * 1000 + 20)
                    packet.stream = stream
                    writer.mux(packet)
    out.seek(0)
    return out


def measure() -> Iterable[Figure]:
    os.environ["RECORDINGS_KEY"] = b64encode(bytes(range(32))).decode()
    # One folder for this process and those of the center.
    with TemporaryDirectory() as folder:
        os.environ["RECORDINGS_DIR"] = folder
        yield from of_an_hour()


def of_an_hour() -> Iterable[Figure]:
    with center() as stack:
        from django.utils import timezone

        from cxcenter.accounts.roles import Role
        from interactions.actions import recordings
        from tests import world

        team = world.make_team()
        world.make_user("chief", Role.SUPERVISOR, team, language="en")
        talk = world.open_chat(world.make_site(world.make_queue(team=team)))
        began = time.perf_counter()
        recording = recordings.keep_file(talk, an_hour(), timezone.now())
        kept_s = time.perf_counter() - began
        assert abs(recording.duration_s - HOUR_S) < 5 and recording.key_id
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
            page = playwright.chromium.launch(executable_path=path, args=flags).new_page()
            sign_in(page, stack.url)
            address = f"{stack.url}/desk/recordings/{recording.public_id}/"
            took = [play(page, f"{address}?t={PLACES[run % 2]}") for run in range(RUNS + 2)][2:]
        note = f"p95 of {RUNS}, half of them from the middle; {recording.size / 1e6:.0f} MB, put together in {kept_s:.1f} s"
        yield Figure("voice.play_ms", percentile(took, 95), None, note)


def sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/sign-in/")
    page.fill("[name=username]", "chief")
    page.fill("[name=password]", "demo")
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda address: "/sign-in/" not in address)


def play(page: Page, address: str) -> float:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return float(page.evaluate(PLAY))


if __name__ == "__main__":
    main(measure)
