"""An operator at the desk and a visitor at the page of calls, each with a tone of its own for a voice."""

import io
import re
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.servers import Stack

if TYPE_CHECKING:
    from tests.browser.conftest import Windows

RATE = 48_000
# Tones that no other sound here has: what is heard is told by them.
CUSTOMER_HZ, OPERATOR_HZ, COLLEAGUE_HZ = 440, 1000, 1700
PLANT = """
from interactions.choices import ChannelKind
from interactions.models import Channel, Site
from routing.models import Entrance, Presence
from tests import world
team = world.make_team("Callers of {name}")
user = world.make_user("{name}", team=team, language="en")
queue = world.make_queue("Calls of {name}", team=team, members=(user,), offer_s=60, wrapup_s=300)
site = world.make_site(queue, key="call-{name}")
site.voice = Channel.objects.create(name="Calls of {name}", kind=ChannelKind.VOICE)
site.ask_topic, site.ask_consent = False, False
site.save()
Entrance.objects.create(channel=site.voice, queue=queue)
"""
COLLEAGUE = """
from tests import world
from cxcenter.accounts.models import User
one = User.objects.get(username="{of}")
user = world.make_user("{name}", "{role}", team=one.team, language="en")
user.supervised_teams.set([one.team])
world.make_queue("Second line of {of}", team=one.team, members=(user,), offer_s=60)
"""
# What a page hears: how loud each of two tones is in the sound that its connections bring.
EAR = """
window.sounds = [];
const make = window.Audio;
window.Audio = class extends make { constructor(...given) { super(...given); window.sounds.push(this); } };
window.hear = (tones) => {
  const live = window.sounds.filter((one) => !one.muted && one.srcObject?.getAudioTracks().some((track) => track.readyState === "live"));
  return window.levelsOf(live.map((one) => one.srcObject), tones);
};
window.levelsOf = async (streams, tones) => {
  if (!streams.length) return tones.map(() => 0);
  const context = new AudioContext();
  const looks = context.createAnalyser();
  looks.fftSize = 16384;
  looks.smoothingTimeConstant = 0;
  for (const stream of streams) context.createMediaStreamSource(stream).connect(looks);
  await new Promise((done) => setTimeout(done, 500));
  const levels = new Float32Array(looks.frequencyBinCount);
  looks.getFloatFrequencyData(levels);
  const of = (hz) => Math.max(...levels.slice(Math.floor((hz - 30) / (context.sampleRate / looks.fftSize)), Math.ceil((hz + 30) / (context.sampleRate / looks.fftSize))));
  const found = tones.map((hz) => 10 ** (of(hz) / 20));
  await context.close();
  return found;
};
"""
LOUD, SILENT = 0.003, 0.0005


def write_tone(path: Path, hz: float) -> Path:
    """Write ten seconds of a tone: Chromium plays it for a microphone, again and again."""
    seconds = np.arange(RATE * 10) / RATE
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((0.5 * 32767 * np.sin(2 * np.pi * hz * seconds)).astype("<i2").tobytes())
    return path


def sides(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The left and the right side of a recording, in samples of whole tenths of a second."""
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
    with av.open(io.BytesIO(content)) as opened:
        frames = [part.to_ndarray() for frame in opened.decode(audio=0) for part in resampler.resample(frame)]
    both = np.concatenate(frames, axis=1)
    both = both[:, : both.shape[1] // (RATE // 10) * (RATE // 10)]
    return both[0], both[1]


def loud(side: np.ndarray, hz: float) -> bool:
    """Whether a side has a tone: its share of the sound of the loudest second."""
    second = max(
        (side[at : at + RATE] for at in range(0, len(side) - RATE, RATE // 2)), key=lambda one: float(np.abs(one).sum())
    )
    levels = np.abs(np.fft.rfft(second * np.hanning(len(second))))
    return bool(levels[round(hz) - 5 : round(hz) + 6].max() > 0.2 * levels.max())


def holds(side: np.ndarray, hz: float) -> bool:
    """Whether a tone is anywhere in a side, however faint beside others: it stands out of what is around it."""
    for at in range(0, len(side) - RATE, RATE // 2):
        levels = np.abs(np.fft.rfft(side[at : at + RATE] * np.hanning(RATE)))
        around = np.concatenate([levels[round(hz) - 120 : round(hz) - 20], levels[round(hz) + 20 : round(hz) + 120]])
        if levels[round(hz) - 5 : round(hz) + 6].max() > max(50 * float(np.median(around)), 5.0):
            return True
    return False


def become_available(desk: Page) -> None:
    """Let whose desk it is be ready for calls."""
    desk.get_by_label("My status").click()
    desk.locator("#status").get_by_role("button", name="Available").click()
    expect(desk.locator("#cti")).to_contain_text("Calls ring here")


def recording_of(stack: Stack, desk: Page, name: str) -> bytes:
    """Wait for the recording of an operator that ended last, as his desk serves it."""
    script = (
        "from interactions.actions import recordings; from interactions.models import Recording; "
        "recordings.finish_all(); "
        f"done = Recording.objects.filter(state='ready', operator__username='{name}').last(); "
        "print(done.public_id if done else '')"
    )
    for _try in range(30):
        if key := stack.run(script).strip():
            break
        desk.wait_for_timeout(1000)
    assert key, "no recording was put together"
    token = desk.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']")
    url = f"{stack.url}/desk/recordings/{key}/listen/"
    told = desk.request.post(url, headers={"X-CSRFToken": token, "Referer": stack.url})
    assert told.ok, told.text()
    return desk.request.get(f"{stack.url}{told.json()['url']}").body()


class Phones:
    """An operator at the desk and a visitor at the page of calls."""

    def __init__(self, stack: Stack, desks: "Windows", pages: "Windows", name: str) -> None:
        self.stack, self.name = stack, name
        stack.run(PLANT.format(name=name))
        self.desk = desks.sign_in(stack.url, name)
        self.page = pages.open(locale="en-GB")
        for page in (self.desk, self.page):
            page.context.add_init_script(EAR)
        self.desk.goto(f"{stack.url}/desk/")

    def become_available(self) -> None:
        become_available(self.desk)

    def call(self, who: str) -> None:
        self.page.goto(f"{self.stack.url}/widget/call/call-{self.name}/")
        self.page.get_by_label("Your name").fill(who)
        self.page.get_by_role("button", name="Call", exact=True).click()
        expect(self.page.get_by_role("heading", name="Calling…")).to_be_visible()

    def answer(self, who: str) -> None:
        offer = self.desk.get_by_role("alertdialog").filter(has_text=who)
        offer.get_by_role("button", name=re.compile("Answer")).click()
        expect(self.desk.locator("#cti-words")).to_have_text("Talking")
        expect(self.desk.locator("#cti")).to_have_attribute("data-sound", "connected")
        expect(self.page.locator("#call")).to_have_attribute("data-sound", "connected")

    def recording(self) -> bytes:
        """Wait for the recording that ended last, as the desk serves it."""
        return recording_of(self.stack, self.desk, self.name)

    def press(self, name: str) -> None:
        self.desk.locator("#cti").get_by_role("button", name=name, exact=True).click()

    def hears(self, page: Page, *, customer: bool = False, operator: bool = False, colleague: bool = False) -> None:
        """Wait until a page hears exactly this."""
        levels: list[float] = []
        wanted = (customer, operator, colleague)
        for _try in range(12):
            levels = page.evaluate("tones => hear(tones)", [CUSTOMER_HZ, OPERATOR_HZ, COLLEAGUE_HZ])
            if all(level > LOUD if on else level < SILENT for level, on in zip(levels, wanted, strict=True)):
                return
            page.wait_for_timeout(300)
        pytest.fail(f"heard {levels}, wanted customer={customer}, operator={operator}, colleague={colleague}")

    def colleague(self, windows: "Windows", role: str = "operator") -> Page:
        """Return the desk of a colleague of the same team, who is available."""
        name = f"{self.name}b"
        self.stack.run(COLLEAGUE.format(name=name, of=self.name, role=role))
        desk = windows.sign_in(self.stack.url, name)
        desk.context.add_init_script(EAR)
        desk.goto(f"{self.stack.url}/desk/")
        become_available(desk)
        return desk
