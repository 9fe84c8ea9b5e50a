"""A call from a visitor's browser to an operator's: two real browsers, each with a tone of its own for a voice."""

import io
import os
import re
import shutil
import wave
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import FLAGS, Troubles, Windows
from tests.servers import Stack

RATE = 48_000
# Two tones that no other sound here has: what is heard is told by them.
CUSTOMER_HZ, OPERATOR_HZ = 440, 1000
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
# What a page hears: how loud each of two tones is in the sound that its connections bring.
EAR = """
window.sounds = [];
const make = window.Audio;
window.Audio = class extends make { constructor(...given) { super(...given); window.sounds.push(this); } };
window.hear = async (tones) => {
  const sound = window.sounds.findLast((one) => one.srcObject?.getAudioTracks().some((track) => track.readyState === "live"));
  if (!sound || sound.muted) return tones.map(() => 0);
  const context = new AudioContext();
  const looks = context.createAnalyser();
  looks.fftSize = 16384;
  looks.smoothingTimeConstant = 0;
  context.createMediaStreamSource(sound.srcObject).connect(looks);
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


@pytest.fixture(scope="module")
def speak(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[float], Browser]]:
    """Start a browser whose microphone gives a tone."""
    folder, begun = tmp_path_factory.mktemp("tones"), []
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")

    def start(hz: float) -> Browser:
        tone = write_tone(folder / f"{hz}.wav", hz)
        flags = [
            *FLAGS,
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={tone}",
            "--allow-loopback-in-peer-connection",
        ]
        browser = chromium.browser_type.launch(executable_path=path, args=flags)
        begun.append(browser)
        return browser

    yield start
    for browser in begun:
        browser.close()


@pytest.fixture(scope="module")
def customer_browser(speak: Callable[[float], Browser]) -> Browser:
    return speak(CUSTOMER_HZ)


@pytest.fixture(scope="module")
def operator_browser(speak: Callable[[float], Browser]) -> Browser:
    return speak(OPERATOR_HZ)


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


class Phones:
    """An operator at the desk and a visitor at the page of calls."""

    def __init__(self, stack: Stack, desks: Windows, pages: Windows, name: str) -> None:
        self.stack, self.name = stack, name
        stack.run(PLANT.format(name=name))
        self.desk = desks.sign_in(stack.url, name)
        self.page = pages.open(locale="en-GB")
        for page in (self.desk, self.page):
            page.context.add_init_script(EAR)
        self.desk.goto(f"{stack.url}/desk/")

    def become_available(self) -> None:
        self.desk.get_by_label("My status").click()
        self.desk.locator("#status").get_by_role("button", name="Available").click()
        expect(self.desk.locator("#cti")).to_contain_text("Calls ring here")

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
        script = (
            "from interactions.actions import recordings; from interactions.models import Recording; "
            "recordings.finish_all(); "
            f"done = Recording.objects.filter(state='ready', operator__username='{self.name}').last(); "
            "print(done.public_id if done else '')"
        )
        for _try in range(30):
            if key := self.stack.run(script).strip():
                break
            self.page.wait_for_timeout(1000)
        assert key, "no recording was put together"
        token = self.desk.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']")
        url = f"{self.stack.url}/desk/recordings/{key}/listen/"
        told = self.desk.request.post(url, headers={"X-CSRFToken": token, "Referer": self.stack.url})
        assert told.ok, told.text()
        return self.desk.request.get(f"{self.stack.url}{told.json()['url']}").body()

    def press(self, name: str) -> None:
        self.desk.locator("#cti").get_by_role("button", name=name, exact=True).click()

    def hears(self, page: Page, *, customer: bool = False, operator: bool = False) -> None:
        """Wait until a page hears exactly this."""
        levels: list[float] = []
        for _try in range(12):
            levels = page.evaluate("tones => hear(tones)", [CUSTOMER_HZ, OPERATOR_HZ])
            if all(
                level > LOUD if wanted else level < SILENT
                for level, wanted in zip(levels, (customer, operator), strict=True)
            ):
                return
            page.wait_for_timeout(300)
        pytest.fail(f"heard {levels}, wanted customer={customer}, operator={operator}")


@pytest.fixture
def phones(
    installation: Stack, troubles: Troubles, operator_browser: Browser, customer_browser: Browser, request
) -> Iterator[Phones]:
    desks, pages = Windows(operator_browser, troubles), Windows(customer_browser, troubles)
    yield Phones(installation, desks, pages, f"phone{zlib.crc32(request.node.name.encode()) % 10_000}")
    desks.close()
    pages.close()


def test_two_browsers_talk_hold_mute_reload_and_hang_up(phones: Phones) -> None:
    phones.become_available()
    phones.call("Kate Larsen")
    phones.answer("Kate Larsen")
    phones.hears(phones.desk, customer=True)
    phones.hears(phones.page, operator=True)

    phones.press("Hold")
    expect(phones.desk.locator("#cti-words")).to_have_text("On hold")
    expect(phones.page.get_by_role("heading", name="On hold")).to_be_visible()
    phones.hears(phones.desk)
    phones.hears(phones.page)
    phones.page.wait_for_timeout(1000)
    phones.press("Take back")
    phones.hears(phones.page, operator=True)

    phones.press("Mute")
    phones.hears(phones.page)
    phones.hears(phones.desk, customer=True)
    phones.desk.reload()
    expect(phones.desk.locator("#cti-words")).to_have_text("Muted")
    expect(phones.desk.locator("#cti")).to_have_attribute("data-sound", "connected", timeout=5000)
    phones.hears(phones.desk, customer=True)
    phones.press("Switch the microphone on")
    phones.hears(phones.page, operator=True)

    phones.page.reload()
    expect(phones.page.locator("#call")).to_have_attribute("data-sound", "connected", timeout=5000)
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk, customer=True)

    phones.press("Pause the recording")
    phones.hears(phones.page, operator=True)
    phones.page.wait_for_timeout(1000)
    phones.press("Record again")
    phones.page.wait_for_timeout(1500)
    phones.press("Hang up")
    expect(phones.page.get_by_role("heading", name="The call is over")).to_be_visible()
    expect(phones.desk.get_by_role("form", name="Wrap-up")).to_be_visible()
    times = phones.stack.run("from interactions.models import Call; call = Call.objects.latest('began_at'); "
                             "print(call.talk_s > 3, call.hold_s > 1, call.ended_at is not None, call.talk_s, call.hold_s)")  # fmt: skip
    assert times.split()[:3] == ["True", "True", "True"], times
    left, right = sides(phones.recording())
    assert loud(left, CUSTOMER_HZ) and not loud(left, OPERATOR_HZ), "the customer is on the left, alone"
    assert loud(right, OPERATOR_HZ) and not loud(right, CUSTOMER_HZ), "the operator is on the right, alone"
    quiet = np.abs(left).reshape(-1, RATE // 10).max(axis=1) + np.abs(right).reshape(-1, RATE // 10).max(axis=1) < 0.004
    runs = "".join("q" if one else "." for one in quiet).split(".")
    assert max(map(len, runs)) >= 8, f"the pause left silence: {quiet.astype(int)}"


def test_a_call_is_handed_to_a_colleague_who_is_heard_then(
    phones: Phones, operator_browser: Browser, troubles: Troubles
) -> None:
    other = f"{phones.name}b"
    phones.stack.run(
        "from tests import world; from routing.models import Queue; from cxcenter.accounts.models import User; "
        f"one = User.objects.get(username='{phones.name}'); "
        f"user = world.make_user('{other}', team=one.team, language='en'); "
        f"world.make_queue('Second line of {phones.name}', team=one.team, members=(user,), offer_s=60)"
    )
    desks = Windows(operator_browser, troubles)
    second = desks.sign_in(phones.stack.url, other)
    second.context.add_init_script(EAR)
    second.goto(f"{phones.stack.url}/desk/")
    second.get_by_label("My status").click()
    second.locator("#status").get_by_role("button", name="Available").click()
    phones.become_available()
    phones.call("Kate Larsen")
    phones.answer("Kate Larsen")
    phones.press("Transfer")
    phones.desk.locator("#dialog").get_by_role("button", name=re.compile(other, re.IGNORECASE)).click()
    expect(phones.page.get_by_role("heading", name="Calling…")).to_be_visible()
    expect(phones.desk.locator("#cti")).to_contain_text("Calls ring here")
    second.get_by_role("alertdialog").get_by_role("button", name=re.compile("Answer")).click()
    expect(second.locator("#cti")).to_have_attribute("data-sound", "connected")
    phones.hears(second, customer=True)
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk)
    phones.page.get_by_role("button", name="Hang up").click()
    expect(second.get_by_role("form", name="Wrap-up")).to_be_visible()
    desks.close()


def test_without_a_microphone_nobody_waits(phones: Phones, windows: Windows) -> None:
    phones.become_available()
    page = windows.open(locale="en-GB")
    page.goto(f"{phones.stack.url}/widget/call/call-{phones.name}/")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("microphone")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    made = phones.stack.run(
        "from interactions.models import Interaction; "
        f"print(Interaction.objects.filter(thread__channel__name='Calls of {phones.name}').count())"
    )
    assert made.strip() == "0"
