"""The deployment of one machine: what its files promise, checked by reading them and by running their parts."""

import base64
import datetime as dt
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cxcenter.core import ice
from cxcenter.management.launch import services as launch
from tests.servers import ROOT, free_port

pytestmark = pytest.mark.live

COMPOSE = ROOT / "docker-compose.yml"
NGINX = ROOT / "deploy/nginx.conf"
HOST = "cx.example.com"
FILLED_IN = {
    "SECRET_KEY": "long-enough-and-random-to-please-the-check-" + "x7Qp2" * 6,
    "POSTGRES_PASSWORD": "secret",
    "ALLOWED_HOSTS": HOST,
    "PUBLIC_URL": f"https://{HOST}",
    "TLS_DIR": "./tls",
}
ONCE = {"migrate"}
OURS = {"migrate", "web", "worker-now", "worker-bulk", "worker-asr", "beat", "exchanges"}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
LINTERS = {
    "compose": ["dclint@3.1.0", "--max-warnings", "0", str(COMPOSE)],
    "Dockerfile": ["dockerfile-utils@0.16.3", "lint", str(ROOT / "Dockerfile")],
}

compose: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
services: dict[str, dict[str, Any]] = compose["services"]


def interpolated(text: str) -> str:
    """Put the filled-in values and the defaults in the place of ${…}, as compose does."""
    return VARIABLE.sub(lambda found: FILLED_IN.get(found[1], found[3] or ""), text)


def environment(service: str) -> dict[str, str]:
    return {name: interpolated(value) for name, value in services[service]["environment"].items()}


def variables() -> dict[str, str | None]:
    """Return the variables of the compose file; the value of a required one is None, of others the default."""
    text = "\n".join(line for line in COMPOSE.read_text().splitlines() if not line.lstrip().startswith("#"))
    found = VARIABLE.findall(text)
    assert found
    assert all(kind for _, kind, _ in found), "a variable without a default is required, and says so"
    return {name: None if kind == "?" else default for name, kind, default in found}


# --- What the files promise ---


def test_the_services_are_those_of_the_design() -> None:
    assert set(services) == OURS | {"postgres", "valkey", "nginx", "turn"}
    assert {name for name in services if "profiles" in services[name]} == {"turn", "worker-asr"}, (
        "all but calls from outside and recognition need no more"
    )
    assert services["web"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", services)
def test_a_service_is_watched_and_restarted(name: str) -> None:
    service = services[name]
    assert "restart" in service
    assert "logging" in service
    if name in ONCE:
        assert service["healthcheck"] == {"disable": True}
        assert service["restart"] == "on-failure:3"
    else:
        assert service["healthcheck"]["test"]
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", services)
def test_only_nginx_and_turn_can_be_reached_from_outside(name: str) -> None:
    assert ("ports" in services[name]) == (name in {"nginx", "turn"})
    assert "network_mode" not in services[name]


def test_the_databases_have_no_way_out() -> None:
    assert compose["networks"]["data"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert services[name]["networks"] == ["data"]
    assert services["nginx"]["networks"] == ["front"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_have_the_least_rights(name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image has its own"


@pytest.mark.parametrize("name", sorted(OURS - ONCE))
def test_nothing_starts_before_the_tables_are_there(name: str) -> None:
    conditions = {other: wait["condition"] for other, wait in services[name]["depends_on"].items()}
    assert conditions == {
        "migrate": "service_completed_successfully",
        "postgres": "service_healthy",
        "valkey": "service_healthy",
    }


def test_the_variables_are_those_of_the_example() -> None:
    lines = (ROOT / "deploy/env.example").read_text().splitlines()
    required = {name for name, _ in (line.split("=", 1) for line in lines if re.match(r"[A-Z0-9_]+=", line))}
    defaults = dict(line[2:].split("=", 1) for line in lines if re.match(r"# [A-Z0-9_]+=", line))
    used = variables()
    assert required == {name for name, default in used.items() if default is None} == set(FILLED_IN)
    assert defaults == {name: default for name, default in used.items() if default is not None}


def test_volumes_are_named() -> None:
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    named = {source for source in mounted if not source.startswith((".", "$"))}
    assert named == set(compose["volumes"]) == {"database", "files", "queue", "static"}


def test_every_queue_has_its_worker_as_the_launcher_starts_it() -> None:
    for queue in launch.QUEUES:
        assert services[f"worker-{queue}"]["command"] == ["celery", *launch.worker(queue)[3:]]
    assert services["beat"]["command"] == ["celery", *launch.beat()[3:], "--schedule=/tmp/beat"]
    assert services["exchanges"]["command"] == ["python", *launch.exchanges()[1:]]
    assert {name for name in services if name.startswith("worker-")} == {f"worker-{queue}" for queue in launch.QUEUES}


def test_the_image_runs_pinned_packages_as_an_ordinary_user() -> None:
    text = (ROOT / "Dockerfile").read_text()
    words = re.findall(r"^([A-Z]+) (.*)$", text, re.MULTILINE)
    assert words[0] == ("FROM", "python:3.11-slim")
    assert "--require-hashes --requirement requirements.txt" in text
    names = [word for word, _ in words]
    assert names.index("USER") < names.index("HEALTHCHECK") < names.index("CMD")
    assert dict(words)["USER"] not in {"root", "0"}
    command = json.loads(dict(words)["CMD"])
    assert command == ["python", *launch.web(0)[1:3], "--host", "0.0.0.0", "--port", "8000"]


def test_the_image_holds_no_gpl_codecs_and_hears_all_the_same(tmp_path: Path) -> None:
    """What the Dockerfile runs over its packages, run over a copy of ours."""
    if not (shutil.which("gcc") and shutil.which("nm")):
        pytest.skip("gcc, which makes the empty libraries, is not installed (Debian, Ubuntu: apt-get install gcc)")
    text = (ROOT / "Dockerfile").read_text()
    layer = text[text.index("RUN apt-get") : text.index("ARG EXTRAS")]
    assert layer.index("requirements.txt") < layer.index("lgpl_av.sh") and layer.count("RUN") == 1
    packages = Path(av.__file__).parent.parent
    for name in ("av", "av.libs"):
        shutil.copytree(packages / name, tmp_path / name)
    script = (
        "import av, io; from tests import sounds; both = sounds.decoded(sounds.webm(sounds.call_of(1))); "
        "print(av.__file__, round(sounds.level(both[0], 440), 1)); "
        "video = av.open(io.BytesIO(), 'w', format='matroska').add_stream('libx264', rate=25); "
        "video.width = video.height = 64; video.encode(av.VideoFrame(64, 64, 'yuv420p'))"
    )

    def run() -> subprocess.CompletedProcess[str]:
        place = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
        return subprocess.run([sys.executable, "-c", script], env=place, capture_output=True, text=True, check=False)

    assert run().returncode == 0, "as it comes it can do video"
    subprocess.run([ROOT / "deploy/lgpl_av.sh", tmp_path], check=True)
    done = run()
    assert done.stdout.split() == [str(tmp_path / "av/__init__.py"), "0.5"] and "external library" in done.stderr
    left = [*tmp_path.glob("av.libs/libx26*")]
    assert len(left) == 2 and all(one.stat().st_size < 20_000 for one in left)


def test_no_secret_gets_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", "var", "deploy/tls"} <= set(ignored)


# --- Its parts, running ---


def test_production_settings_start_with_the_environment_of_the_compose_file() -> None:
    done = manage(environment("web"), "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"])
def test_a_missing_setting_is_told_by_name(name: str) -> None:
    values = environment("web")
    del values[name]
    done = manage(values, "check")
    assert done.returncode != 0
    assert name in done.stderr


def manage(values: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **values},
        capture_output=True,
        text=True,
        check=False,
    )


def test_docker_compose_accepts_the_file() -> None:
    tool = shutil.which("docker-compose")
    if tool is None:
        pytest.skip("docker-compose is not installed (Debian, Ubuntu: apt-get install docker-compose)")
    command = [tool, "--file", str(COMPOSE), "config", "--quiet"]
    done = subprocess.run(command, env={**os.environ, **FILLED_IN}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in FILLED_IN:
        fewer = {key: value for key, value in {**os.environ, **FILLED_IN}.items() if key != name}
        done = subprocess.run(command, cwd="/", env=fewer, capture_output=True, text=True, check=False)
        assert done.returncode != 0, f"{name} may be left out"


@pytest.mark.parametrize("what", LINTERS)
def test_the_linter_is_content(what: str) -> None:
    if shutil.which("npx") is None:
        pytest.skip("npx, which brings the linter, is not installed (Debian, Ubuntu: apt-get install npm)")
    done = subprocess.run(["npx", "--yes", *LINTERS[what]], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and re.search(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|E40\d", done.stderr):
        pytest.skip(f"{LINTERS[what][0]} cannot be fetched here")
    assert done.returncode == 0, done.stdout + done.stderr
    # What one linter only notes, it prints.
    assert what == "compose" or not done.stdout.strip(), done.stdout


# --- The way in: nginx with our file, before a web process in production settings ---


class Site:
    """nginx as deployed, but on free ports and with one web process of this machine behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.https, self.web = free_port(), free_port(), free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in {"PORT", "DEMO"}},
            **environment("web"),
            "DATABASE_URL": os.environ["DATABASE_URL"],
            "REDIS_URL": os.environ["REDIS_URL"],
            "VAR_DIR": str(folder / "var"),
        }

    def collect_static(self) -> None:
        """Gather the static files by the very words of the Dockerfile."""
        text = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
        found = re.search(r'python -c "(import sys, django;[^"]+)"', text)
        assert found
        values = {**self.environment, "CX_ENV": "local", "DJANGO_SETTINGS_MODULE": "cxcenter.settings"}
        subprocess.run([sys.executable, "-c", found[1]], cwd=ROOT, env=values, check=True, capture_output=True)
        assert (self.folder / "var/static/staticfiles.json").exists()

    def write_certificate(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        (self.folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
        (self.folder / "privkey.pem").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )

    def configuration(self) -> Path:
        """Write a configuration around deploy/nginx.conf in which only addresses and folders are changed."""
        text = re.sub(r"(?m)^ *listen \[::\].*\n", "", NGINX.read_text())
        for old, new in {
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.https} ssl;",
            "http://web:8000": f"http://127.0.0.1:{self.web}",
            "/etc/nginx/tls/": f"{self.folder}/",
            "/srv/static/": f"{self.folder}/var/static/",
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "site.conf").write_text(text)
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = self.folder / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        main.write_text(
            f"{user} daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log; events {{}} "
            f"http {{ access_log off; {temporary} include {self.folder}/site.conf; }}"
        )
        return main

    def ask(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Ask over TLS, as a browser would; return status, headers (names in small letters) and body."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.https, context=context, timeout=20)
        connection.request("GET", path, headers={"Host": HOST, **headers})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body

    def is_up(self) -> bool:
        try:
            return self.ask("/healthz")[0] == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed (Debian, Ubuntu: apt-get install nginx-light)")
    place = Site(tmp_path_factory.mktemp("site"))
    place.collect_static()
    place.write_certificate()
    web = [sys.executable, "-m", "cxcenter.serve", "--host", "127.0.0.1", "--port", str(place.web)]
    started = [
        subprocess.Popen(web, cwd=ROOT, env=place.environment, stderr=(place.folder / "web.log").open("wb")),
        subprocess.Popen([nginx, "-c", str(place.configuration())], stderr=subprocess.DEVNULL),
    ]
    try:
        deadline = time.monotonic() + 40
        while not place.is_up():
            logs = [
                path.read_text() for path in (place.folder / "web.log", place.folder / "error.log") if path.exists()
            ]
            assert all(process.poll() is None for process in started), "\n".join(logs)
            assert time.monotonic() < deadline, "\n".join(logs)
            time.sleep(0.2)
        yield place
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def test_pages_come_over_tls_alone(site: Site) -> None:
    status, headers, _ = site.ask("/sign-in/")
    assert status == 200
    assert "max-age" in headers["strict-transport-security"]
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=10)
    connection.request("GET", "/sign-in/?next=/desk/", headers={"Host": HOST})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/sign-in/?next=/desk/")
    connection.close()


def test_static_files_come_from_nginx_and_stay_in_the_cache(site: Site) -> None:
    names = json.loads((site.folder / "var/static/staticfiles.json").read_text())["paths"]
    status, headers, body = site.ask(f"/static/{names['cx/cx.css']}", **{"Accept-Encoding": "gzip"})
    assert status == 200
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-encoding"] == "gzip"
    assert "strict-transport-security" not in headers, "this was Django, not nginx"
    assert body
    assert site.ask("/static/cx/cx.css")[1]["cache-control"] == "public, max-age=60"
    assert site.ask("/static/../site.conf")[0] in {400, 404}


def test_metrics_stay_inside(site: Site) -> None:
    assert site.ask("/metrics")[0] == 404
    connection = http.client.HTTPConnection("127.0.0.1", site.web, timeout=10)
    connection.request("GET", "/metrics", headers={"Host": HOST, "X-Forwarded-Proto": "https"})
    assert connection.getresponse().status == 200
    connection.close()


def test_other_names_are_refused(site: Site) -> None:
    assert site.ask("/sign-in/", Host="evil.example.org")[0] == 400


def test_sockets_pass(site: Site) -> None:
    raw = socket.create_connection(("127.0.0.1", site.https), timeout=20)
    with ssl._create_unverified_context().wrap_socket(raw) as line:
        key = base64.b64encode(os.urandom(16)).decode()
        line.sendall(
            (
                f"GET /ws/visitor/ HTTP/1.1\r\nHost: {HOST}\r\nOrigin: https://{HOST}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            ).encode()
        )
        assert line.recv(4096).startswith(b"HTTP/1.1 101 ")


def test_the_health_check_of_the_image(site: Site) -> None:
    script = (ROOT / "deploy/alive.py").read_text()
    assert "http://127.0.0.1:8000/" in script
    values = {"PUBLIC_URL": FILLED_IN["PUBLIC_URL"], "PATH": os.environ["PATH"]}
    for port, code in ((site.web, 0), (free_port(), 1)):
        here = script.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        done = subprocess.run([sys.executable, "-c", here], env=values, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr


# --- The relay: coturn with our file ---


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """coturn as deployed, but on a free port and with a folder of its own; its address and its port."""
    server = shutil.which("turnserver")
    if server is None or shutil.which("turnutils_uclient") is None:
        pytest.skip("coturn is not installed (Debian, Ubuntu: apt-get install coturn)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: it only tells which address of ours leads out.
        probe.connect(("192.0.2.1", 9))
        host = probe.getsockname()[0]
    port = free_port()
    text = (ROOT / "deploy/turnserver.conf").read_text().replace("=/tmp/", f"={tmp_path}/")
    (tmp_path / "turn.conf").write_text(text.replace("listening-port=3478", f"listening-port={port}"))
    asked = ["-c", str(tmp_path / "turn.conf"), "--static-auth-secret=shared", f"--external-ip={host}/{host}"]
    with subprocess.Popen([server, *asked], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        time.sleep(1)
        yield host, port
        running.terminate()


def relayed(host: str, port: int, peer: str, name: str, password: str) -> str:
    """What coturn's own client says when it sends to a peer through the relay; with -y its peer is its own relayed address."""
    flags = [
        "-u",
        name,
        "-w",
        password,
        "-n",
        "2",
        "-m",
        "1",
        "-p",
        str(port),
        *(["-y"] if peer == host else ["-e", peer]),
    ]
    try:
        done = subprocess.run(
            ["turnutils_uclient", *flags, host], check=False, capture_output=True, text=True, timeout=15
        )
    except subprocess.TimeoutExpired:
        return "nothing came"
    return done.stdout + done.stderr


def test_the_relay_takes_our_passwords_alone_and_leads_to_no_private_address(
    relay: tuple[str, int], settings: Any
) -> None:
    host, port = relay
    settings.TURN_URLS, settings.TURN_SECRET = [f"turn:{host}:{port}"], "shared"
    told = ice.servers("visitor1")[-1]
    name, password = told["username"], told["credential"]
    assert "Total lost packets 0" in relayed(host, port, host, name, password)
    assert "Cannot complete Allocation" in relayed(host, port, host, name, "another")
    assert "Cannot complete Allocation" in relayed(host, port, host, "1000000000:old", ice.password("1000000000:old"))
    for number, peer in enumerate(("127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.1.1")):
        told = ice.servers(f"visitor{number}")[-1]
        assert "Forbidden IP" in relayed(host, port, peer, told["username"], told["credential"]), peer
