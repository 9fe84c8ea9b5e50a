"""A call is recorded in a real browser, both sides of it, and heard in the player: tones tell which side is where."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests import sounds
from tests.browser.conftest import Windows, make_like
from tests.servers import Stack

WHO, CHIEF = "recorda", "recorda-chief"
# A session in the hands of the operator.
SESSION = """
import uuid
from cxcenter.accounts.models import User
from interactions.models import Interaction
from routing.actions import offers
from routing.models import Assignment
from tests import world
user = User.objects.get(username="{who}")
world.on_duty(user, capacity=50)
queue = world.make_queue(f"Calls {{uuid.uuid4().hex[:6]}}", user.team, (user,))
talk = world.open_chat(world.make_site(queue))
Interaction.objects.filter(pk=talk.pk).update(kind="voice")
leg = Assignment.objects.filter(interaction=talk).latest("pk")
if leg.leg == "offered":
    offers.accept_offer(leg_id=leg.pk, actor=user)
print(talk.pk)
"""
KEEP = """
from django.utils import timezone
from interactions.actions import recordings
from interactions.models import Interaction
with open("{path}", "rb") as file:
    made = recordings.keep_file(Interaction.objects.get(pk={talk}), file, timezone.now())
recordings.mark(recording=made, kind="note", at_s=10, actor=None, text="The number")
print(made.public_id)
"""
PUT_TOGETHER = """
import json, time
from interactions import vault
from interactions.actions import recordings
from interactions.models import Recording
for _try in range(300):
    # A worker may have claimed it: then it is put together there.
    recordings.finish_all()
    one = Recording.objects.get(public_id="{key}")
    if one.state != "uploading":
        break
    time.sleep(0.1)
marks = [(mark.kind, mark.at_s) for mark in one.marks.all()]
print(json.dumps([one.state, vault.storage().path(one.file), marks, one.pieces.count(), one.ended_at is not None]))
"""
TRACES = """
from cxcenter.core.models import AuditEntry
from interactions.models import Recording
one = Recording.objects.get(public_id="{key}")
print(AuditEntry.objects.filter(act="recording.listen", subject=f"recording:{{one.pk}}").count())
"""
READS = TRACES.replace("recording.listen", "recording.read")
# Two tones for the two sides, and a recorder of them.
RECORD = """
async ([session, pauseSeconds]) => {
  const { startRecording } = await import("/static/cx/desk/recorder.js");
  const { post } = await import("/static/cx/net.js");
  const context = new AudioContext();
  window.side = (hertz) => {
    const [tone, out] = [new OscillatorNode(context, { frequency: hertz }), context.createMediaStreamDestination()];
    tone.connect(new GainNode(context, { gain: 0.5 })).connect(out);
    tone.start();
    return out.stream;
  };
  window.troubles = [];
  window.pauses = [];
  window.recorder = await startRecording({
    customer: side(440), operator: side(1200), post, session, pauseSeconds,
    onTrouble: (error) => troubles.push(error && error.message), onPause: (is) => pauses.push(is),
  });
  return recorder.key;
}
"""


@pytest.fixture(scope="module")
def house(installation: Stack) -> Stack:
    make_like(installation, "operator5", WHO)
    make_like(installation, "supervisor", CHIEF)
    return installation


def session_of(house: Stack) -> int:
    return int(house.run(SESSION.format(who=WHO)).split()[-1])


def told(house: Stack, key: str):
    return json.loads(house.run(PUT_TOGETHER.format(key=key)).splitlines()[-1])


def until(page: Page, said: str) -> None:
    """Wait for something on a page whose policy lets nothing be evaluated by itself."""
    for _ in range(100):
        if page.evaluate(said):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never so: {said}")


def wait(page: Page, seconds: float) -> None:
    page.wait_for_timeout(seconds * 1000)


def test_both_sides_are_recorded_and_a_pause_is_silence(house: Stack, windows: Windows) -> None:
    page = windows.sign_in(house.url, WHO)
    key = page.evaluate(RECORD, [session_of(house), 1.5])
    wait(page, 3)
    page.evaluate("recorder.pause()")
    wait(page, 2.5)
    assert page.evaluate("pauses") == [True, False], "it ends by itself"
    page.evaluate("recorder.swap({ customer: side(700) })")
    wait(page, 1.5)
    page.evaluate("recorder.stop().then(() => recorder.sent)")
    state, path, marks, pieces, _ended = told(house, key)
    assert state == "ready" and pieces >= 3 and page.evaluate("troubles") == []
    content = Path(path).read_bytes()
    both = sounds.decoded(content)
    assert abs(sounds.duration(content) - both.shape[1] / sounds.RATE) < 0.1
    assert 6.5 < both.shape[1] / sounds.RATE < 9
    (paused, start), (resumed, end) = marks
    assert (paused, resumed) == ("pause", "resume") and 2.5 < start < 4 and 1.3 < end - start < 1.9
    before, silent, after = (
        sounds.part(both, *span)
        for span in (
            (0.5, 2.5),
            (start + 0.4, end - 0.2),
            (-1.2 + both.shape[1] / sounds.RATE, both.shape[1] / sounds.RATE - 0.2),
        )
    )
    assert [round(sounds.level(before[0], hertz), 1) for hertz in (440, 1200)] == [0.5, 0]
    assert [round(sounds.level(before[1], hertz), 1) for hertz in (440, 1200)] == [0, 0.5]
    assert np.abs(silent).max() < 0.01
    assert [round(sounds.level(after[0], hertz), 1) for hertz in (440, 700)] == [0, 0.5], (
        "the customer came back on another line"
    )
    assert round(sounds.level(after[1], 1200), 1) == 0.5


def test_what_the_network_kept_back_is_sent_by_the_next_page(house: Stack, windows: Windows) -> None:
    """The pieces cannot be sent, then the tab is closed in the middle of the call: the next one sends them."""
    page = windows.sign_in(house.url, WHO)
    blocked = re.compile("/pieces/[1-9]")
    page.route(blocked, lambda route: route.abort())
    key = page.evaluate(RECORD, [session_of(house), 60])
    wait(page, 8.5)
    assert page.evaluate("troubles.length") == 1, "it is said once, in words"
    assert "sent again" in page.evaluate("troubles[0]")
    page.unroute(blocked)
    page.goto(f"{house.url}/desk/tasks/")
    for _ in range(30):
        count = "from interactions.models import Recording\nprint(Recording.objects.get(public_id='%s').pieces.count())"
        if int(house.run(count % key).split()[-1]) >= 3:
            break
        wait(page, 0.3)
    house.run("from interactions.models import Recording\nfrom django.utils import timezone\nfrom datetime import timedelta\n"
              f"Recording.objects.filter(public_id='{key}').update(last_piece_at=timezone.now() - timedelta(minutes=5))")  # fmt: skip
    state, path, _marks, _pieces, _ended = told(house, key)
    both = sounds.decoded(Path(path).read_bytes())
    assert state == "ready" and both.shape[1] / sounds.RATE > 8.5 - 5, "at most 5 s are lost"
    assert round(sounds.level(sounds.part(both, 1, 3)[0], 440), 1) == 0.5


@pytest.fixture
def heard(house: Stack, tmp_path: Path) -> tuple[int, str]:
    """A call of 12 s: the customer for 3 s, nobody for 6 s, the operator for 3 s."""
    customer = np.concatenate([sounds.tone(sounds.CUSTOMER, 3), sounds.quiet(9)])
    operator = np.concatenate([sounds.quiet(9), sounds.tone(sounds.OPERATOR, 3)])
    path = tmp_path / "call.wav"
    path.write_bytes(sounds.wav(np.stack([customer, operator])))
    talk = session_of(house)
    return talk, house.run(KEEP.format(path=path, talk=talk)).split()[-1]


LISTEN = """
() => {
  const player = document.querySelector("cx-player");
  const context = new AudioContext();
  const split = context.createChannelSplitter(2);
  context.createMediaElementSource(player.audio).connect(split);
  window.ears = [0, 1].map((side) => {
    const ear = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    split.connect(ear, side);
    return ear;
  });
  // The loudest tone of a side, Hz; 0 if it is silent.
  window.tone = (side) => {
    const found = new Float32Array(ears[side].frequencyBinCount);
    ears[side].getFloatFrequencyData(found);
    const top = found.indexOf(Math.max(...found));
    return found[top] < -60 ? 0 : (top * context.sampleRate) / ears[side].fftSize;
  };
}
"""


def at(page: Page) -> float:
    return float(page.evaluate("document.querySelector('cx-player').at"))


def test_a_call_is_heard_and_moved_through(house: Stack, windows: Windows, heard: tuple[int, str]) -> None:
    _talk, key = heard
    page = windows.sign_in(house.url, CHIEF)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/audio/" in request.url else None)
    page.goto(f"{house.url}/desk/recordings/{key}/?t=1")
    expect(page.locator("cx-player [data-now]")).to_have_text("0:01")
    assert not fetched and house.run(TRACES.format(key=key)).split()[-1] == "0", "nobody has listened yet"
    colours = "() => ['customer', 'operator'].map((side, row) => { const c = document.querySelector('cx-player canvas'); const pen = c.getContext('2d'); const high = (x) => pen.getImageData(c.width * x, (c.height / 2) * row, 40, c.height / 2).data.filter((v, i) => i % 4 === 3 && v > 200).length; return [high(0.1), high(0.9)]; })"
    (customer_first, customer_last), (operator_first, operator_last) = page.evaluate(colours)
    assert customer_first > 10 * customer_last and operator_last > 10 * operator_first, (
        "each side is drawn where it speaks"
    )
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Play").click()
    until(page, "document.querySelector('cx-player').at > 1.6")
    assert page.evaluate("tone(0)") == pytest.approx(sounds.CUSTOMER, abs=10) and page.evaluate("tone(1)") == 0
    assert house.run(TRACES.format(key=key)).split()[-1] == "1"
    bar = page.get_by_role("slider", name="Place in the call")
    page.get_by_role("button", name="Skip silence").click()
    bar.focus()
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('cx-player').at > 9.2")
    wait(page, 0.3)
    assert page.evaluate("tone(1)") == pytest.approx(sounds.OPERATOR, abs=10) and page.evaluate("tone(0)") == 0
    page.keyboard.press(" ")
    until(page, "document.querySelector('cx-player').audio.paused")
    page.get_by_role("button", name="The number").click()
    assert at(page) == pytest.approx(10, abs=0.1)
    page.keyboard.press("c")
    page.get_by_role("slider").press("c")
    assert page.evaluate("navigator.clipboard.readText()") == f"{house.url}/desk/recordings/{key}/?t=10"
    page.get_by_label("Speed").select_option("2")
    assert page.evaluate("document.querySelector('cx-player').audio.playbackRate") == 2
    page.get_by_role("slider").press("Home")
    assert at(page) == 0 and page.get_by_role("slider").get_attribute("aria-valuetext") == "0:00 / 0:12"


def test_a_link_that_has_ended_is_renewed_at_the_same_place(
    house: Stack, windows: Windows, heard: tuple[int, str]
) -> None:
    talk, _key = heard
    page = windows.sign_in(house.url, WHO)
    page.goto(f"{house.url}/desk/s/{talk}/")
    first = []
    page.route(
        "**/audio/**",
        lambda route: route.fulfill(status=403, body="") if not first and not first.append(1) else route.fallback(),
    )
    page.get_by_role("slider", name="Place in the call").press("ArrowRight")
    page.get_by_role("button", name="Play").click()
    until(page, "document.querySelector('cx-player').at > 5.3")
    assert at(page) < 8 and first == [1]
    page.get_by_role("button", name="Note at this moment").click()
    page.get_by_placeholder("Note at this moment").fill("Nobody speaks")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Nobody speaks")).to_be_visible()


SPEAK = """
from interactions.models import Recording, SpokenLine, Transcript
one = Recording.objects.get(public_id="{key}")
for side, at, text in [("customer", 0.5, "Where is my parcel"), ("operator", 9.2, "The parcel comes tomorrow ещё раз")]:
    times = [edge for n in range(len(text.split())) for edge in (50 * n, 50 * n + 40)]
    SpokenLine.objects.create(recording=one, side=side, start_s=at, end_s=at + 3, text=text, times=times)
Transcript.objects.filter(recording=one).update(state="ready", done_s=12)
"""
# Keeps which word is shown at which second, at each change.
FOLLOW = """
() => {
  const player = document.querySelector("cx-player");
  window.seen = [];
  new MutationObserver(() => seen.push([player.querySelector(".words [aria-current]")?.textContent ?? "", player.at]))
    .observe(player.querySelector(".words ol"), { subtree: true, attributeFilter: ["aria-current"] });
}
"""
NOW = "(document.querySelector('cx-player .words [aria-current]')?.textContent ?? '')"


def test_the_words_of_a_call_are_read_searched_and_followed(
    house: Stack, windows: Windows, heard: tuple[int, str]
) -> None:
    _talk, key = heard
    house.run(SPEAK.format(key=key))
    page = windows.sign_in(house.url, CHIEF)
    page.goto(f"{house.url}/desk/recordings/{key}/")
    assert not page.get_by_text("Where is my parcel").count(), "nobody has asked to read"
    assert house.run(READS.format(key=key)).split()[-1] == "0"
    page.get_by_role("slider", name="Place in the call").press("w")
    said = page.get_by_role("list", name="What was said")
    expect(said.get_by_role("listitem")).to_have_text(
        [re.compile("0:00.*Customer.*Where is my parcel"), re.compile("0:09.*Operator.*The parcel comes tomorrow")]
    )
    assert house.run(READS.format(key=key)).split()[-1] == "1"
    # A click on a word leads there; it is the present one.
    said.get_by_text("comes", exact=True).click()
    assert at(page) == pytest.approx(10.2, abs=0.01) and page.evaluate(NOW) == "comes"
    # Search, from the keyboard: each place in its turn, round and round; ё is е.
    field = page.get_by_role("searchbox", name="Find in the words")
    field.fill("PARCEL")
    expect(page.locator(".words .is-found")).to_have_count(2)
    field.press("Enter")
    assert at(page) == pytest.approx(2.0, abs=0.01) and page.evaluate(NOW) == "parcel"
    expect(page.locator(".words [role=status]")).to_have_text("1 / 2")
    field.press("Enter")
    assert at(page) == pytest.approx(9.7, abs=0.01)
    field.press("Enter")
    assert at(page) == pytest.approx(2.0, abs=0.01)
    field.press("Shift+Enter")
    assert at(page) == pytest.approx(9.7, abs=0.01)
    field.fill("tomorrow еще")
    expect(page.locator(".words .is-found")).to_have_text(["tomorrow", "ещё"])
    field.press("Escape")
    field.press("Escape")
    # From line to line.
    said.press("ArrowUp")
    assert at(page) == pytest.approx(9.2, abs=0.01)
    said.press("ArrowUp")
    assert at(page) == pytest.approx(0.5, abs=0.01) and page.evaluate(NOW) == "Where"
    # The present word goes with the sound.
    page.evaluate(FOLLOW)
    said.press(" ")
    until(page, f"document.querySelector('cx-player').at > 3.5 && {NOW} === ''")
    begins = {"is": 1.0, "my": 1.5, "parcel": 2.0}
    seen = page.evaluate("seen")
    assert list(dict.fromkeys(word for word, _at in seen if word)) == list(begins)
    # A word lasts 0.4 s, and is shown 0.3 s longer if no other begins.
    assert all(begins[word] - 0.05 <= second <= begins[word] + 0.8 for word, second in seen if word)
    page.get_by_role("button", name="Words", exact=True).click()
    expect(said).to_be_hidden()


def test_from_a_search_one_comes_to_the_very_word(house: Stack, windows: Windows, heard: tuple[int, str]) -> None:
    _talk, key = heard
    house.run(SPEAK.format(key=key))
    page = windows.sign_in(house.url, CHIEF)
    page.goto(f"{house.url}/desk/customers/?q=tomorrow")
    page.locator(f'a[href*="{key}"]').click()
    expect(page.locator(".words .is-found")).to_have_text("tomorrow")
    expect(page.get_by_role("searchbox", name="Find in the words")).to_be_focused()
    assert at(page) == pytest.approx(9.2, abs=0.01)
