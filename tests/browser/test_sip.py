"""The SIP line of the operator's browser, with a real platform: kamailio, rtpengine and telephones that play tones."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests import sip_servers
from tests.browser.conftest import Troubles, Windows
from tests.browser.phones import COLLEAGUE_HZ, CUSTOMER_HZ, EAR, LOUD, OPERATOR_HZ, SILENT
from tests.servers import Stack
from tests.sip_servers import DOMAIN, SECRET, SipPlatform, write_tone

pytestmark = pytest.mark.skipif(bool(sip_servers.missing()), reason=f"no {', '.join(sip_servers.missing())} here")
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
    known = {"customer": CUSTOMER_HZ, "colleague": COLLEAGUE_HZ, "operator": OPERATOR_HZ}
    levels: list[float] = []
    for _try in range(12):
        levels = page.evaluate("tones => hear(tones)", list(known.values()))
        if all(level > LOUD if tones.get(name) else level < SILENT for name, level in zip(known, levels, strict=True)):
            return
        page.wait_for_timeout(300)
    pytest.fail(f"heard {levels}, wanted {tones}")


def test_the_line_is_rung_talks_and_hands_over(page: Page, platform: SipPlatform, tmp_path: Path) -> None:
    customer = platform.phone("+79160000001", write_tone(tmp_path / "a.wav", CUSTOMER_HZ), outside=True, answers=False)
    colleague = platform.phone("1200", write_tone(tmp_path / "b.wav", COLLEAGUE_HZ))
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
    page.evaluate("rung[0].refer('1200')")
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
