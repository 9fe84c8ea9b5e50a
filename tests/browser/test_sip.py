"""The SIP line of the operator's browser, with a real platform: kamailio, rtpengine and telephones that play tones."""

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import sip_servers
from tests.browser.conftest import Troubles, Windows
from tests.browser.phones import (
    COLLEAGUE,
    COLLEAGUE_HZ,
    CUSTOMER_HZ,
    EAR,
    LOUD,
    OPERATOR_HZ,
    SILENT,
    become_available,
    holds,
    loud,
    recording_of,
    sides,
)
from tests.servers import Stack
from tests.sip_servers import DOMAIN, SECRET, SipPlatform, write_tone

# The machine of the tests has much to do besides.
SLOW_MS = 20_000
pytestmark = pytest.mark.skipif(bool(sip_servers.missing()), reason=f"no {', '.join(sip_servers.missing())} here")
DOWN = "The telephone platform is away"
PLANT = """
from interactions.models import Exchange, Extension
from interactions.choices import ChannelKind
from interactions.models import Channel
from routing.models import Entrance
from tests import world
team = world.make_team("SIP of {name}")
user, other = world.make_user("{name}", team=team, language="en"), world.make_user("{name}b", team=team, language="en")
queue = world.make_queue("SIP of {name}", team=team, members=(user, other), offer_s=60, wrapup_s=300)
channel = Channel.objects.create(name="SIP of {name}", kind=ChannelKind.VOICE)
Entrance.objects.create(channel=channel, queue=queue)
exchange = Exchange.objects.create(name="{name}", kind="sip", channel=channel, host="{domain}", socket="{url}", secret="{secret}")
Extension.objects.create(exchange=exchange, interface="1017", user=user)
Extension.objects.create(exchange=exchange, interface="1200", user=other)
"""
# A page that has the line alone: what the platform says is kept in `window`.
LINE = """
async ({ server, extension, domain, secret, life }) => {
  const { register } = await import("/static/cx/voice/sip.js");
  const sign = async (text) => {
    const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), { name: "HMAC", hash: "SHA-1" }, false, ["sign"]);
    return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)))));
  };
  Object.assign(window, { states: [], rung: [], held: [], asked: 0 });
  const credentials = async () => {
    window.asked += 1;
    const expires = Math.floor(Date.now() / 1000) + life;
    const user = `${expires}:${extension}`;
    return { user, password: await sign(user), expires };
  };
  window.hold = (call) => {
    call.onTrack = (stream) => {
      const sound = new Audio();
      sound.autoplay = true;
      sound.srcObject = stream;
    };
    call.onHeld = (on) => held.push(on);
    call.gone.then((how) => (call.over = how));
    rung.push(call);
  };
  window.line = register({ uri: `sip:${extension}@${domain}`, servers: [server], credentials, onRing: hold, onState: (state) => states.push(state) });
  window.mic = await navigator.mediaDevices.getUserMedia({ audio: true });
}
"""

# What a page says in the connection that it made first: that to the platform.
MOUTH = """
window.ways = [];
const connect = window.RTCPeerConnection;
window.RTCPeerConnection = class extends connect { constructor(...given) { super(...given); window.ways.push(this); } };
window.says = (tones) => {
  const way = window.ways.find((one) => one.connectionState !== "closed");
  return window.levelsOf([new MediaStream([way.getSenders()[0].track])], tones);
};
"""


@pytest.fixture(scope="module")
def platform() -> Iterator[SipPlatform]:
    with SipPlatform() as running:
        yield running


@pytest.fixture
def page(installation: Stack, operator_browser: Browser, troubles: Troubles) -> Iterator[Page]:
    windows = Windows(operator_browser, troubles)
    page = windows.open(bypass_csp=True)
    page.context.add_init_script(EAR)
    page.goto(f"{installation.url}/sign-in/")
    yield page
    windows.close()


def register(page: Page, platform: SipPlatform, extension: str, *, secret: str = SECRET, life: int = 600) -> None:
    page.evaluate(
        LINE, {"server": platform.url, "extension": extension, "domain": DOMAIN, "secret": secret, "life": life}
    )


def becomes(page: Page, state: str) -> None:
    page.wait_for_function("state => window.line.state === state", arg=state)


def hears(page: Page, **tones: bool) -> None:
    """Wait until a page hears exactly these of the tones."""
    has(page, "hear", **tones)


def says(page: Page, **tones: bool) -> None:
    """Wait until a page says exactly these of the tones to the customer at the platform."""
    has(page, "says", **tones)


def has(page: Page, where: str, **tones: bool) -> None:
    known = {"customer": CUSTOMER_HZ, "colleague": COLLEAGUE_HZ, "operator": OPERATOR_HZ}
    levels: list[float] = []
    for _try in range(12):
        levels = page.evaluate(f"tones => {where}(tones)", list(known.values()))
        if all(level > LOUD if tones.get(name) else level < SILENT for name, level in zip(known, levels, strict=True)):
            return
        page.wait_for_timeout(300)
    pytest.fail(f"{where}: {levels}, wanted {tones}")


def test_the_line_is_rung_talks_and_hands_over(page: Page, platform: SipPlatform, tmp_path: Path) -> None:
    customer = platform.phone("+79160000001", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    colleague = platform.phone("1202", write_tone(tmp_path / "b.wav", COLLEAGUE_HZ))
    register(page, platform, "1017")
    becomes(page, "ready")
    customer.dial("1017")
    page.wait_for_function("rung.length === 1")
    assert page.evaluate("[rung[0].number, rung[0].incoming]") == ["+79160000001", True]
    page.evaluate("rung[0].answer(mic)")
    customer.wait("CALL_ESTABLISHED")
    hears(page, customer=True)
    assert customer.hears(OPERATOR_HZ)
    page.evaluate("rung[0].hold(true)")
    hears(page)
    assert not customer.hears(OPERATOR_HZ, 1)
    page.evaluate("rung[0].refer('1202')")
    colleague.wait("CALL_ESTABLISHED")
    page.wait_for_function("rung[0].over")
    assert colleague.hears(CUSTOMER_HZ)
    assert customer.hears(COLLEAGUE_HZ)
    customer.stop()
    colleague.stop()


def test_the_line_calls_mutes_and_holds(page: Page, platform: SipPlatform) -> None:
    register(page, platform, "1018")
    becomes(page, "ready")
    with platform.echo():
        page.evaluate("hold(line.call('+79160000002', mic))")
        hears(page, operator=True)
        for act in ("mute", "hold"):
            page.evaluate(f"rung[0].{act}(true)")
            hears(page)
            page.evaluate(f"rung[0].{act}(false)")
            hears(page, operator=True)
        page.evaluate("rung[0].close()")
        page.wait_for_function("rung[0].over")


def test_the_line_comes_back_after_a_lost_socket(page: Page, platform: SipPlatform, tmp_path: Path) -> None:
    customer = platform.phone("+79160000002", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    register(page, platform, "1018")
    becomes(page, "ready")
    customer.dial("1018")
    page.wait_for_function("rung.length === 1")
    page.evaluate("rung[0].answer(mic)")
    hears(page, customer=True)

    platform.kamailio.stop()
    becomes(page, "away")
    hears(page, customer=True)
    assert page.evaluate("(() => { try { line.call('1', mic) } catch (error) { return error.why } })()") == "away"
    platform.start_kamailio()
    becomes(page, "ready")
    page.wait_for_timeout(500)
    customer.do("hangup")
    page.wait_for_function("rung[0].over")
    assert page.evaluate("rung[0].over") == {"by": "them", "why": "", "answered": True}
    customer.stop()


def test_credentials_are_renewed_and_wrong_ones_are_told(page: Page, platform: SipPlatform, tmp_path: Path) -> None:
    register(page, platform, "1019", life=7)
    becomes(page, "ready")
    page.wait_for_function("asked === 2")
    page.wait_for_timeout(3000)
    phone = platform.phone("+79160000003", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    phone.dial("1019")
    page.wait_for_function("rung.length === 1")
    page.evaluate("rung[0].close()")
    phone.wait("CALL_CLOSED")
    phone.stop()
    page.evaluate("line.close()")

    register(page, platform, "1019", secret="another")
    becomes(page, "refused")
    assert page.evaluate("asked") == 2, "once more, in case they had run out"


def test_a_second_call_is_there_at_once_and_the_two_are_joined(
    page: Page, platform: SipPlatform, tmp_path: Path
) -> None:
    first = platform.phone("+79160000004", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    second = platform.phone("1201", write_tone(tmp_path / "b.wav", COLLEAGUE_HZ))
    register(page, platform, "1020")
    becomes(page, "ready")
    first.dial("1020")
    page.wait_for_function("rung.length === 1")
    page.evaluate("rung[0].answer(mic)")
    first.wait("CALL_ESTABLISHED")
    page.evaluate("rung[0].hold(true)")
    page.evaluate("hold(line.call('1201', mic.clone()))")
    second.wait("CALL_ESTABLISHED")
    hears(page, colleague=True)
    # The telephone names what it keeps of a call by the second.
    page.wait_for_timeout(1000)
    told = page.evaluate("rung[0].attended(rung[1]).then(() => 'joined', (error) => error.why)")
    assert told == "joined"
    page.wait_for_function("rung[0].over")
    assert first.hears(COLLEAGUE_HZ)
    assert second.hears(CUSTOMER_HZ)
    first.stop()
    second.stop()


# --- The desk ------------------------------------------------------------------------------------


class Desk:
    """An operator at the desk whose browser is extension 1017."""

    def __init__(self, stack: Stack, windows: Windows, platform: SipPlatform, name: str, secret: str = SECRET) -> None:
        self.stack, self.name = stack, name
        stack.run(PLANT.format(name=name, domain=DOMAIN, url=platform.url, secret=secret))
        self.page = windows.sign_in(stack.url, name)
        self.page.context.add_init_script(EAR)
        self.page.context.add_init_script(MOUTH)

    def open(self, state: str = "ready") -> None:
        self.page.goto(f"{self.stack.url}/desk/")
        expect(self.page.locator("#app")).to_have_attribute("data-telephone", state, timeout=SLOW_MS)

    def answer(self) -> None:
        self.page.get_by_role("alertdialog").get_by_role("button", name=re.compile("Answer")).click()
        self.says("Talking")

    def dial(self, number: str) -> None:
        entry = self.page.get_by_label("Number to call")
        entry.fill(number)
        entry.press("Enter")
        self.says("Talking")

    def call_in(self, button: str, other: Page, suffix: str) -> None:
        """Call a colleague into the call, and let him answer."""
        self.press(button)
        chosen = re.compile(f"{self.name}{suffix}", re.IGNORECASE)
        self.page.locator("#dialog").get_by_role("button", name=chosen).click()
        other.get_by_role("alertdialog", name="A colleague calls you").get_by_role("button", name="Answer").click()

    def press(self, name: str, page: Page | None = None) -> None:
        (page or self.page).locator("#cti").get_by_role("button", name=name, exact=True).click()

    def beside(self, windows: Windows, who: str) -> Page:
        """Return the desk of somebody else, who is available."""
        page = windows.sign_in(self.stack.url, who)
        page.context.add_init_script(EAR)
        page.goto(f"{self.stack.url}/desk/")
        become_available(page)
        return page

    def says(self, words: str) -> None:
        expect(self.page.locator("#cti-words")).to_have_text(words, timeout=SLOW_MS)


@pytest.fixture
def desk(
    installation: Stack,
    operator_browser: Browser,
    platform: SipPlatform,
    troubles: Troubles,
    request: pytest.FixtureRequest,
) -> Iterator[Desk]:
    windows = Windows(operator_browser, troubles)
    yield make_desk(installation, windows, platform, f"sip{zlib.crc32(request.node.name.encode()) % 10_000}")
    windows.close()


def make_desk(stack: Stack, windows: Windows, platform: SipPlatform, name: str) -> Desk:
    return Desk(stack, windows, platform, name)


def test_a_call_rings_at_the_desk_is_held_recorded_and_handed_over(
    desk: Desk, platform: SipPlatform, tmp_path: Path
) -> None:
    customer = platform.phone("+79161112233", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    colleague = platform.phone("1200", write_tone(tmp_path / "b.wav", COLLEAGUE_HZ))
    desk.open()
    customer.dial("1017")
    offer = desk.page.get_by_role("alertdialog").filter(has_text="+7 916 111-22-33")
    offer.get_by_role("button", name=re.compile("Answer")).click()
    customer.wait("CALL_ESTABLISHED")
    desk.says("Talking")
    hears(desk.page, customer=True)
    assert customer.hears(OPERATOR_HZ)

    desk.press("Hold")
    desk.says("On hold")
    hears(desk.page)
    assert not customer.hears(OPERATOR_HZ, 1)
    desk.press("Take back")
    desk.says("Talking")
    hears(desk.page, customer=True)
    desk.page.wait_for_timeout(1500)

    # He is there, and has no page: his telephone is one that stands on his table.
    duty = "from tests import world; from cxcenter.accounts.models import User; world.on_duty(User.objects.get(username='{}'))"
    desk.stack.run(duty.format(f"{desk.name}b"))
    desk.press("Transfer")
    desk.page.locator("#dialog").get_by_role("button", name=re.compile(f"{desk.name}b", re.IGNORECASE)).click()
    colleague.wait("CALL_ESTABLISHED")
    assert colleague.hears(CUSTOMER_HZ)
    assert customer.hears(COLLEAGUE_HZ)
    expect(desk.page.locator("#cti")).not_to_contain_text("Handing over", timeout=SLOW_MS)
    told = desk.stack.run(
        "from interactions.models import Call; from routing.models import Assignment; "
        "call = Call.objects.latest('began_at'); leg = Assignment.objects.get(interaction=call.pk); "
        "print(call.provider, call.number, call.talk_s > 2, call.hold_s > 1, call.ended_at is not None, leg.end)"
    )
    assert told.split() == ["sip", "+79161112233", "True", "True", "True", "transferred"]
    left, right = sides(recording_of(desk.stack, desk.page, desk.name))
    assert loud(left, CUSTOMER_HZ) and not loud(left, OPERATOR_HZ), "the customer is on the left, alone"
    assert loud(right, OPERATOR_HZ) and not loud(right, CUSTOMER_HZ), "the operator is on the right, alone"
    customer.stop()
    colleague.stop()


def test_a_page_that_dies_in_mid_call_ends_it(desk: Desk, platform: SipPlatform, tmp_path: Path) -> None:
    customer = platform.phone("+79161112244", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    desk.open()
    customer.dial("1017")
    desk.page.get_by_role("alertdialog").get_by_role("button", name=re.compile("Answer")).click()
    desk.says("Talking")
    desk.page.on("dialog", lambda dialog: dialog.accept())
    desk.page.reload()
    customer.wait("CALL_CLOSED")
    expect(desk.page.locator("#cti")).to_contain_text("No call", timeout=SLOW_MS)
    told = desk.stack.run(
        "from interactions.models import Call; call = Call.objects.latest('began_at'); "
        "print(call.number, call.ended_at is not None, call.facts.get(kind='ended').data)"
    )
    assert told.strip() == "+79161112244 True {'reason': 'lost'}"
    customer.stop()


def test_words_for_a_platform_that_is_away_and_for_wrong_credentials(desk: Desk, platform: SipPlatform) -> None:
    desk.open()
    platform.kamailio.stop()
    expect(desk.page.locator("#toasts")).to_contain_text(DOWN, timeout=SLOW_MS)
    platform.start_kamailio()
    expect(desk.page.locator("#app")).to_have_attribute("data-telephone", "ready", timeout=SLOW_MS)
    expect(desk.page.locator("#toasts")).not_to_contain_text(DOWN)
    desk.stack.run(
        f"from interactions.models import Exchange; Exchange.objects.filter(name='{desk.name}').update(secret='other')"
    )
    desk.open("refused")
    expect(desk.page.locator("#toasts")).to_contain_text("does not take your credentials", timeout=SLOW_MS)


def test_without_a_microphone_the_call_rings_on_and_it_is_told(
    installation: Stack, windows: Windows, platform: SipPlatform, tmp_path: Path
) -> None:
    desk = make_desk(installation, windows, platform, "sipmute")
    customer = platform.phone("+79161112255", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    desk.open()
    customer.dial("1017")
    desk.page.get_by_role("alertdialog").get_by_role("button", name=re.compile("Answer")).click()
    expect(desk.page.locator("#toasts")).to_contain_text("microphone", timeout=SLOW_MS)
    desk.page.get_by_role("alertdialog").get_by_role("button", name="Decline").click()
    customer.wait("CALL_CLOSED")
    customer.stop()


# --- Colleagues in its calls ---------------------------------------------------------------------


def has_no_call(page: Page) -> None:
    expect(page.locator("#cti [data-line]")).to_have_count(0, timeout=SLOW_MS)


def test_a_colleague_is_consulted_joins_and_takes_the_call_at_his_own_telephone(
    desk: Desk, platform: SipPlatform, speak: Callable[[float], Browser], troubles: Troubles, tmp_path: Path
) -> None:
    customer = platform.phone("+79161112266", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    desks = Windows(speak(COLLEAGUE_HZ), troubles)
    other = desk.beside(desks, f"{desk.name}b")
    expect(other.locator("#app")).to_have_attribute("data-telephone", "ready", timeout=SLOW_MS)
    desk.open()
    customer.dial("1017")
    desk.answer()
    hears(desk.page, customer=True)
    says(desk.page, operator=True)

    desk.call_in("Consult a colleague", other, "b")
    desk.says("Consulting")
    hears(desk.page, colleague=True)
    hears(other, operator=True)
    says(desk.page)
    desk.press("Bring all together")
    desk.says("Conference")
    hears(desk.page, customer=True, colleague=True)
    hears(other, customer=True, operator=True)
    says(desk.page, operator=True, colleague=True)
    desk.page.wait_for_timeout(2500)

    desk.press("Leave the call to the others")
    has_no_call(desk.page)
    expect(other.locator("#cti [data-line]")).to_have_attribute("data-role", "owner", timeout=SLOW_MS)
    expect(other.locator("#cti-words")).to_have_text("Talking", timeout=SLOW_MS)
    hears(other, customer=True)
    hears(desk.page)
    assert customer.hears(COLLEAGUE_HZ)
    other.wait_for_timeout(1500)
    desk.press("Hang up", other)
    customer.wait("CALL_CLOSED")
    has_no_call(other)
    told = desk.stack.run(
        "from routing.models import Assignment; from interactions.models import Call; "
        "call = Call.objects.get(number='+79161112266'); legs = Assignment.objects.filter(interaction=call.pk); "
        "print([(one.operator.username, one.end) for one in legs.order_by('pk')], call.ended_at is not None)"
    )
    assert told.strip() == f"{[(desk.name, 'transferred'), (f'{desk.name}b', 'finished')]} True"
    left, right = sides(recording_of(desk.stack, desk.page, desk.name))
    assert loud(left, CUSTOMER_HZ) and not holds(left, COLLEAGUE_HZ), "the customer is on the left, alone"
    assert loud(right, OPERATOR_HZ) and holds(right, COLLEAGUE_HZ), "what the customer heard is on the right"
    left, right = sides(recording_of(desk.stack, other, f"{desk.name}b"))
    assert loud(left, CUSTOMER_HZ) and loud(right, COLLEAGUE_HZ) and not holds(right, OPERATOR_HZ)
    customer.stop()
    desks.close()


def test_the_customer_hears_all_and_then_the_operator_alone(
    desk: Desk, platform: SipPlatform, speak: Callable[[float], Browser], troubles: Troubles
) -> None:
    desks = Windows(speak(COLLEAGUE_HZ), troubles)
    desk.stack.run(COLLEAGUE.format(name=f"{desk.name}c", of=desk.name, role="operator"))
    other = desk.beside(desks, f"{desk.name}c")
    desk.open()
    # This customer says again what he hears: each hears his own voice when the customer does.
    with platform.echo():
        desk.dial("+79161112277")
        hears(desk.page, operator=True)
        desk.call_in("Consult a colleague", other, "c")
        hears(desk.page, colleague=True)
        hears(other, operator=True)
        desk.press("Leave the call to the others")
        expect(desk.page.locator("#toasts")).to_contain_text("has no phone at this telephone exchange")
        desk.press("Bring all together")
        hears(desk.page, operator=True, colleague=True)
        hears(other, operator=True, colleague=True)
        desk.press("Mute")
        hears(desk.page, colleague=True)
        hears(other, colleague=True)
        desk.press("Switch the microphone on")
        hears(other, operator=True, colleague=True)
        desk.press("Back to the customer")
        desk.says("Talking")
        hears(desk.page, operator=True)
        has_no_call(other)
        desk.press("Hang up")
        has_no_call(desk.page)
    desks.close()


def test_a_supervisor_listens_whispers_and_speaks(
    desk: Desk, platform: SipPlatform, speak: Callable[[float], Browser], troubles: Troubles, tmp_path: Path
) -> None:
    customer = platform.phone("+79161112288", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    desks = Windows(speak(COLLEAGUE_HZ), troubles)
    desk.stack.run(COLLEAGUE.format(name=f"{desk.name}d", of=desk.name, role="supervisor"))
    boss = desk.beside(desks, f"{desk.name}d")
    desk.open()
    customer.dial("1017")
    desk.answer()
    session = desk.page.locator("[data-line]").first.get_attribute("data-line")
    boss.goto(f"{desk.stack.url}/board/session/{session}/")
    boss.get_by_role("button", name="Listen", exact=True).click()
    expect(boss.locator("#cti-words")).to_have_text("Listening", timeout=SLOW_MS)
    hears(boss, customer=True, operator=True)
    hears(desk.page, customer=True)
    assert customer.hears(OPERATOR_HZ)
    desk.press("Whisper to the operator", boss)
    hears(desk.page, customer=True, colleague=True)
    assert customer.hears(OPERATOR_HZ) and not customer.hears_all(OPERATOR_HZ, COLLEAGUE_HZ, seconds=1)
    desk.press("Speak with all", boss)
    assert customer.hears_all(OPERATOR_HZ, COLLEAGUE_HZ)
    desk.press("Only listen", boss)
    hears(desk.page, customer=True)
    assert customer.hears(OPERATOR_HZ)
    desk.press("Hold")
    desk.says("On hold")
    hears(boss)
    desk.press("Take back")
    hears(boss, customer=True, operator=True)
    desk.press("Leave the call", boss)
    has_no_call(boss)
    customer.stop()
    desks.close()


# --- Calling out ---------------------------------------------------------------------------------


def test_a_number_that_is_typed_is_called_and_spoken_with(desk: Desk, platform: SipPlatform, tmp_path: Path) -> None:
    customer = platform.phone("+79161112299", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True)
    desk.open()
    desk.dial("8 (916) 111-22-99")
    customer.wait("CALL_ESTABLISHED")
    hears(desk.page, customer=True)
    assert customer.hears(OPERATOR_HZ)
    desk.page.wait_for_timeout(1500)
    desk.press("Hang up")
    customer.wait("CALL_CLOSED")
    has_no_call(desk.page)
    told = desk.stack.run(
        "from interactions.models import Call; from routing.models import Assignment; "
        "call = Call.objects.get(number='+79161112299'); leg = Assignment.objects.get(interaction=call.pk); "
        "print(call.direction, call.provider, call.talk_s > 1, leg.operator.username, leg.leg, leg.item.outcome)"
    )
    assert told.split() == ["out", "sip", "True", desk.name, "wrapup", "outgoing"]
    left, right = sides(recording_of(desk.stack, desk.page, desk.name))
    assert loud(left, CUSTOMER_HZ) and loud(right, OPERATOR_HZ)
    customer.stop()
