"""Faults of the network between two browsers that talk: no way at all, a dead relay, a way that is lost."""

import selectors
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.phones import CUSTOMER_HZ, LOUD, OPERATOR_HZ, SILENT, Phones

# No address of the other side is told: the two find no way to each other.
DEAF = """
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (one) {
  return set.call(this, { type: one.type, sdp: one.sdp.split("\\r\\n").filter((line) => !line.startsWith("a=candidate:")).join("\\r\\n") });
};
"""
# A relay that nobody answers for stands in the settings beside the ways that are there.
DEAD_RELAY = """
const Plain = RTCPeerConnection;
window.RTCPeerConnection = class extends Plain {
  constructor(given) {
    super({ ...given, iceServers: [...(given?.iceServers ?? []), { urls: "turn:127.0.0.1:9", username: "x", credential: "y" }] });
  }
};
"""
# Each address of the other side is reached by a detour of ours alone, which can be cut.
DETOUR = """
const set = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = async function (one) {
  const lines = [];
  for (const line of one.sdp.split("\\r\\n")) {
    const parts = line.split(" ");
    if (!line.startsWith("a=candidate:")) lines.push(line);
    else if (parts[2].toLowerCase() === "udp" && parts[4].includes(".")) {
      parts[5] = await window.detour(parts[4], Number(parts[5]));
      lines.push(parts.join(" "));
    }
  }
  return set.call(this, { type: one.type, sdp: lines.join("\\r\\n") });
};
"""


class Detours:
    """Passes packets on between two browsers, as routers on the way do, until it is cut. Ways made after it are other ways."""

    def __init__(self) -> None:
        self.poll = selectors.DefaultSelector()
        self.lock = threading.Lock()
        # Which sockets lead on from here, by where a packet comes from; and which were cut.
        self.onward: dict[tuple[socket.socket, tuple[str, int]], socket.socket] = {}
        self.back: dict[socket.socket, tuple[socket.socket, tuple[str, int]]] = {}
        self.targets: dict[socket.socket, tuple[str, int]] = {}
        self.dead: set[socket.socket] = set()
        self.passed = 0
        self.over = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def open(self, host: str, port: int) -> int:
        """Return the port of a detour that leads there."""
        door = self._socket()
        with self.lock:
            self.targets[door] = (host, port)
        return int(door.getsockname()[1])

    def cut(self) -> None:
        """Let nothing through any more on any way that there is."""
        with self.lock:
            self.dead |= {*self.targets, *self.back}

    def close(self) -> None:
        self.over = True
        self.thread.join()
        for one in list(self.poll.get_map().values()):
            one.fileobj.close()  # type: ignore[union-attr]
        self.poll.close()

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("0.0.0.0", 0))
        made.setblocking(False)
        self.poll.register(made, selectors.EVENT_READ)
        return made

    def _run(self) -> None:
        while not self.over:
            for key, _events in self.poll.select(0.05):
                door = key.fileobj
                assert isinstance(door, socket.socket)
                try:
                    packet, sender = door.recvfrom(65_536)
                except OSError:
                    continue
                with self.lock:
                    if door not in self.dead:
                        self._pass(door, packet, sender)

    def _pass(self, door: socket.socket, packet: bytes, sender: tuple[str, int]) -> None:
        self.passed += 1
        try:
            if door in self.back:
                way, caller = self.back[door]
                if way not in self.dead:
                    way.sendto(packet, caller)
                return
            if (door, sender) not in self.onward:
                self.onward[door, sender] = self._socket()
                self.back[self.onward[door, sender]] = (door, sender)
            self.onward[door, sender].sendto(packet, self.targets[door])
        except OSError:
            return


@pytest.fixture
def detours() -> Iterator[Detours]:
    made = Detours()
    yield made
    made.close()


def test_without_any_way_both_are_told_and_can_hang_up(phones: Phones) -> None:
    for page in (phones.desk, phones.page):
        page.context.add_init_script(DEAF)
    phones.desk.reload()
    phones.become_available()
    phones.call("Kate Larsen")
    phones.desk.get_by_role("alertdialog").get_by_role("button", name="Answer").click()
    expect(phones.desk.locator("#cti-words")).to_have_text("Talking")
    begun = time.monotonic()
    expect(phones.page.locator("[data-notice]")).to_contain_text("No way is found for the sound", timeout=15_000)
    expect(phones.desk.locator("#toasts")).to_contain_text("No way is found for the sound", timeout=15_000)
    assert time.monotonic() - begun < 15
    expect(phones.page.locator("#call")).to_have_attribute("data-sound", "blocked")
    phones.press("Hold")
    expect(phones.page.get_by_role("heading", name="On hold")).to_be_visible()
    phones.press("Take back")
    phones.press("Hang up")
    expect(phones.page.get_by_role("heading", name="The call is over")).to_be_visible()
    expect(phones.desk.get_by_role("form", name="Wrap-up")).to_be_visible()


def test_a_dead_relay_beside_a_way_that_is_there_does_no_harm(phones: Phones) -> None:
    for page in (phones.desk, phones.page):
        page.context.add_init_script(DEAD_RELAY)
    phones.desk.reload()
    phones.become_available()
    phones.call("Kate Larsen")
    begun = time.monotonic()
    phones.answer("Kate Larsen")
    assert time.monotonic() - begun < 8
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk, customer=True)


def test_a_way_that_is_lost_is_found_anew_and_the_sound_is_back(phones: Phones, detours: Detours) -> None:
    for page in (phones.desk, phones.page):
        page.context.expose_function("detour", detours.open)
        page.context.add_init_script(DETOUR)
    both = ((phones.desk, CUSTOMER_HZ), (phones.page, OPERATOR_HZ))
    phones.desk.reload()
    phones.become_available()
    phones.call("Kate Larsen")
    phones.desk.get_by_role("alertdialog").get_by_role("button", name="Answer").click()
    expect(phones.page.locator("#call")).to_have_attribute("data-sound", "connected", timeout=15_000)
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk, customer=True)
    assert detours.passed > 50, "the sound takes the detour"
    detours.cut()
    cut, silent_at, back_at = time.monotonic(), 0.0, 0.0
    while not back_at and time.monotonic() < cut + 20:
        customer, operator = (page.evaluate("tones => hear(tones)", [hz])[0] for page, hz in both)
        if min(customer, operator) < SILENT:
            silent_at = time.monotonic() - cut
        elif silent_at and min(customer, operator) > LOUD:
            back_at = time.monotonic() - cut
    # Each look listens to half a second on both sides.
    assert silent_at and 0 < back_at < 6, (silent_at, back_at)
    expect(phones.page.locator("#call")).to_have_attribute("data-sound", "connected")
    phones.hears(phones.page, operator=True)
    phones.hears(phones.desk, customer=True)
