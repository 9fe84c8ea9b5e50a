"""A real SIP platform for tests: kamailio and rtpengine on loopback, and telephones that play a tone and keep what they hear."""

import json
import shutil
import socket
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np

from cxcenter.management.launch.processes import Guardian, Process
from tests.servers import ROOT, free_port

PROGRAMS = ("kamailio", "rtpengine", "baresip", "sipp")
DOMAIN, SECRET, PASSWORD = "cx.test", "a-shared-secret", "telephone"
START_S = 15.0
# A telephone network of its own: who calls from there shows no credentials.
OUTSIDE = "pstn.test"
LOCAL = """
#!substdef "!CX_SIP!udp:127.0.0.1:{sip}!g"
#!substdef "!CX_WS!tcp:127.0.0.1:{ws}!g"
#!substdef "!CX_DOMAIN!{domain}!g"
#!substdef "!CX_SECRET!{secret}!g"
#!substdef "!CX_RTPENGINE!udp:127.0.0.1:{ng}!g"
include_file "{included}"
route[PASSWORD] {{ $var(password) = "{password}"; }}
route[OUTSIDE] {{ $du = "sip:127.0.0.1:{trunk}"; }}
"""


def write_tone(path: Path, hz: float) -> Path:
    """Write a minute of a tone, as a telephone speaks: its microphone."""
    seconds = np.arange(8000 * 60) / 8000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((0.5 * 32767 * np.sin(2 * np.pi * hz * seconds)).astype("<i2").tobytes())
    return path


def is_tone(half: np.ndarray, hz: float) -> bool:
    """Whether half of a second of sound is this tone."""
    levels = np.abs(np.fft.rfft(half * np.hanning(len(half))))
    return bool(levels.max() > 1e5 and abs(int(levels.argmax()) * 2 - hz) < 20)


def has_tones(half: np.ndarray, tones: Iterable[float]) -> bool:
    """Whether half of a second of sound has all these tones."""
    levels = np.abs(np.fft.rfft(half * np.hanning(len(half))))
    around = (levels[round(hz / 2) - 10 : round(hz / 2) + 11] for hz in tones)
    return bool(levels.max() > 1e5) and all(one.max() > 0.1 * levels.max() for one in around)


def missing() -> list[str]:
    """Return which programs the platform lacks on this machine."""
    return [name for name in PROGRAMS if not shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")]


def wait_for(ready: Callable[[], bool], what: str, seconds: float = START_S) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.02)


class SipPlatform:
    """The platform: a registrar with sockets for browsers, and what carries the sound between them and telephones."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cxsip-"))
        self.guardian = Guardian()
        self.sip, self.ws, self.ng, self.trunk = free_udp(), free_port(), free_udp(), free_udp()
        self.url = f"ws://127.0.0.1:{self.ws}"
        self.phones: list[Phone] = []
        self.rtpengine = self._process(
            "rtpengine",
            "--foreground --config-file=none --table=-1 --interface=127.0.0.1 --log-stderr --num-threads=1 --delete-delay=0 "
            f"--listen-ng=127.0.0.1:{self.ng} --log-level=5",
        )
        config = self.folder / "kamailio.cfg"
        included = ROOT / "deploy/sip/kamailio.cfg"
        ports = {"sip": self.sip, "ws": self.ws, "ng": self.ng, "trunk": self.trunk}
        names = {"domain": DOMAIN, "secret": SECRET, "password": PASSWORD, "included": included}
        config.write_text(LOCAL.format(**ports, **names))
        self.kamailio = self._process("kamailio", f"-DD -E -m 32 -M 4 -Y {self.folder} -f {config}")

    def _process(self, name: str, arguments: str) -> Process:
        program = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
        assert program, f"{name} is not installed"
        return Process(name, [program, *arguments.split()], self.folder / f"{name}.log", self.guardian)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Start both and wait until they answer."""
        try:
            self.rtpengine.start()
            wait_for(self._pongs, "rtpengine")
            self.start_kamailio()
        except BaseException:
            print(self.logs())
            self.stop()
            raise
        return self

    def start_kamailio(self) -> None:
        """Start the registrar: again, after it was stopped."""
        self.kamailio.start()
        wait_for(lambda: listens(self.ws) or self.kamailio.poll() is not None, "kamailio")
        assert self.kamailio.pid, self.logs()

    def stop(self) -> None:
        """End everything and remove the folder."""
        for phone in self.phones:
            phone.stop()
        for process in (self.kamailio, self.rtpengine):
            process.stop()
        self.guardian.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self) -> str:
        """Return what all have said last."""
        files = sorted(self.folder.rglob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')[-4000:]}" for file in files)

    def phone(self, number: str, tone: Path, *, outside: bool = False, answers: bool = True) -> "Phone":
        """Start a telephone: an extension of the platform that registers, or a number outside."""
        made = Phone(self, number, tone, outside=outside, answers=answers)
        self.phones.append(made)
        return made.start()

    @contextmanager
    def echo(self) -> Iterator[None]:
        """At all numbers outside somebody (sipp) answers who sends back what he hears, until he is hung up on."""
        scenario = ROOT / "tests/sip_echo.xml"
        asked = f"-sf {scenario} -i 127.0.0.1 -p {self.trunk} -mi 127.0.0.1 -mp {free_udp()} -rtp_echo -nostdin"
        process = self._process("sipp", asked)
        process.start()
        wait_for(lambda: not is_free_udp(self.trunk), "the echo")
        yield
        process.stop()

    def _pongs(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
            asks.settimeout(0.2)
            try:
                asks.sendto(b"1 d7:command4:pinge", ("127.0.0.1", self.ng))
                return b"pong" in asks.recv(100)
            except OSError:
                return False


CONFIG = """
poll_method epoll
sip_listen 127.0.0.1:{sip}
call_local_timeout 60
call_max_calls 4
audio_player aubridge,ear
audio_source aufile,{tone}
audio_alert aubridge,alert
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_stats no
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
menu_bell no
snd_path {folder}
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Phone:
    """A telephone (baresip): its microphone is a file, and what it hears it writes to another."""

    def __init__(self, platform: SipPlatform, number: str, tone: Path, *, outside: bool, answers: bool) -> None:
        self.number = number
        self.folder = platform.folder / f"phone-{number.lstrip('+')}"
        self.folder.mkdir()
        port = platform.trunk if outside and answers else free_udp()
        self.control = free_port()
        ports = {"sip": port, "control": self.control}
        (self.folder / "config").write_text(CONFIG.format(**ports, folder=self.folder, tone=tone))
        account = f'<sip:{number}@{OUTSIDE if outside else DOMAIN}>;outbound="sip:127.0.0.1:{platform.sip}"'
        account += ";regint=0" if outside else f";regint=600;auth_pass={PASSWORD}"
        account += f";answermode={'auto' if answers else 'manual'};audio_codecs=pcmu\n"
        (self.folder / "accounts").write_text(account)
        (self.folder / "contacts").write_text("")
        self.registers = not outside
        self.events: list[dict[str, Any]] = []
        self.process = platform._process("baresip", f"-f {self.folder}")
        self.process.log = self.folder / "baresip.log"
        self._socket: socket.socket | None = None

    def start(self) -> Self:
        """Start it and wait until it can be told what to do, and is registered if it is to be."""
        self.process.start()
        wait_for(lambda: listens(self.control), f"telephone {self.number}")
        self._socket = socket.create_connection(("127.0.0.1", self.control))
        threading.Thread(target=self._listen, args=(self._socket,), daemon=True).start()
        if self.registers:
            # It may have been before we could listen to it.
            wait_for(lambda: self.process.has_said("200 OK"), f"telephone {self.number} at the registrar")
        return self

    def stop(self) -> None:
        """End it."""
        self.process.stop()
        if self._socket:
            self._socket.close()
            self._socket = None

    def hears(self, hz: float, seconds: float = 5) -> bool:
        """Whether half of a second of this tone comes to it from now on, within the time."""
        return self._comes(lambda half: is_tone(half, hz), seconds)

    def hears_all(self, *tones: float, seconds: float = 5) -> bool:
        """Whether half of a second with all these tones comes to it from now on, within the time."""
        return self._comes(lambda half: has_tones(half, tones), seconds)

    def _comes(self, wanted: Callable[[np.ndarray], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        # Each time the sound is agreed upon anew, it begins another file.
        known = {file: file.stat().st_size // 2 * 2 for file in self._heard()}
        while time.monotonic() < deadline:
            time.sleep(0.1)
            for file in self._heard():
                content = file.read_bytes()[known.get(file, 44) :]
                fresh = np.frombuffer(content[: len(content) // 2 * 2], "<i2")
                if len(fresh) >= 4000 and wanted(fresh[-4000:].astype(float)):
                    return True
        return False

    def _heard(self) -> list[Path]:
        return list(self.folder.glob("*-dec.wav"))

    def do(self, command: str, params: str = "") -> None:
        """Tell it to `dial`, `accept`, `hangup`."""
        assert self._socket
        said = json.dumps({"command": command, "params": params})
        self._socket.sendall(f"{len(said)}:{said},".encode())

    def dial(self, number: str) -> None:
        """Call a number of the platform."""
        self.do("dial", f"sip:{number}@{DOMAIN}")

    def wait(self, event: str, seconds: float = 10) -> dict[str, Any]:
        """Wait for something to happen to it, and forget what was before: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED."""
        found: list[dict[str, Any]] = []

        def came() -> bool:
            found[:] = [one for one in self.events if one.get("type") == event]
            return bool(found)

        wait_for(came, f"telephone {self.number}: {event} among {[one.get('type') for one in self.events]}", seconds)
        del self.events[: self.events.index(found[0]) + 1]
        return found[0]

    def _listen(self, heard: socket.socket) -> None:
        rest = b""
        try:
            while piece := heard.recv(65536):
                rest += piece
                while b":" in rest:
                    length, _colon, after = rest.partition(b":")
                    if len(after) <= int(length):
                        break
                    self.events.append(json.loads(after[: int(length)]))
                    rest = after[int(length) + 1 :]
        except OSError:
            return


def listens(port: int) -> bool:
    """Return whether somebody takes connections at a port."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def is_free_udp(port: int) -> bool:
    """Return whether nobody hears at a port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_udp() -> int:
    """Return an even UDP port that is free now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            if port % 2 == 0 and port < 60_000:
                return port
