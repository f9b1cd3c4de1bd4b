"""A registry that does what a test tells it to, and a count of what goes to a real one."""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from attrs import define, field, frozen
from urllib3.util import Retry

from lockyard.sources.http import session

USER = base64.b64encode(b"pusher:open sesame").decode()


def impatient() -> requests.Session:
    """Return a session that repeats as the real one does, and doesn't wait in between."""
    codes, methods = (429, 500, 503), ("GET", "HEAD", "POST", "PUT")
    return session(
        retry=Retry(
            total=2,
            backoff_factor=0,
            status_forcelist=codes,
            allowed_methods=methods,
            raise_on_status=False,
            retry_after_max=0,
        )
    )


@frozen
class Asked:
    """A request, and how much of a body it brought."""

    method: str
    path: str
    authorization: str
    received: int


@define
class Fault:
    """Do ``what`` (a method of the handler) to requests, ``times`` of them."""

    method: str
    path: str
    what: str
    times: int = 1
    headers: dict[str, str] = field(factory=dict)


class Fake(ThreadingHTTPServer):
    """A registry in memory; ``login`` is what it wants: nothing, ``basic`` or ``bearer``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}"
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.uploads: dict[str, bytearray] = {}
        self.names = itertools.count()
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.login = ""
        self.tokens: dict[str, list[str]] = {}  # scopes by token
        self.issued = 0
        self.connections = 0
        self.elsewhere = ""

    def fail(self, method: str, path: str, what: str, times: int = 1, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.append(Fault(method, path, what, times, named))

    def put(self, image: str, kind: str, value: Any, *references: str) -> str:
        """Store a manifest; return its digest."""
        data = json.dumps(value).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        for reference in (digest, *references):
            self.manifests[image, reference] = (kind, data)
        return digest

    def put_blob(self, image: str, data: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[image, digest] = data
        return digest

    def count(self, method: str, path: str = "") -> int:
        return sum(each.method == method and path in each.path for each in self.asked)

    @property
    def received(self) -> int:
        return sum(each.received for each in self.asked)


class Quiet(BaseHTTPRequestHandler):
    """Keep connections open, and say nothing."""

    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            # The client hung up, which is what some tests are about.
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Handler(Quiet):
    server: Fake

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def respond(self) -> None:
        registry, self.parts = self.server, urlsplit(self.path)
        self.query = {name: each[0] for name, each in parse_qs(self.parts.query).items()}
        self.body, self.given = b"", self.headers.get("Authorization", "")
        fault = self.fault()
        if fault is None or fault.what not in {"cut_upload", "busy_before"}:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if fault is not None and fault.what == "cut_upload":
            self.body = self.rfile.read(int(self.headers["Content-Length"]) // 2)
        registry.asked.append(Asked(self.command, self.path, self.given, len(self.body)))
        if fault is not None:
            getattr(self, fault.what)(fault)
        elif self.parts.path == "/token":
            self.token()
        elif self.welcome():
            self.route()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = respond  # noqa: N815

    def fault(self) -> Fault | None:
        for each in self.server.faults:
            if each.times and each.method == self.command and each.path in self.path:
                each.times -= 1
                return each
        return None

    # What goes wrong.

    def status(self, fault: Fault) -> None:
        headers = dict(fault.headers)
        self.answer(int(headers.pop("status")), b"", **headers)

    def say(self, fault: Fault) -> None:
        headers = dict(fault.headers)
        self.answer(200, headers.pop("body").encode(), **headers)

    def cut_upload(self, fault: Fault) -> None:
        """Keep half of a body, and hang up."""
        self.server.uploads[self.parts.path.rpartition("/")[2]] += self.body
        self.close_connection = True
        self.connection.close()

    def lose_answer(self, fault: Fault) -> None:
        self.wfile = NullFile()  # type: ignore[assignment]
        self.route()
        self.close_connection = True
        self.connection.close()

    def cut(self, fault: Fault) -> None:
        """Send half of a blob, and hang up."""
        data = self.found()
        self.answer(200, data[: len(data) // 2], Content_Length=str(len(data)))
        self.close_connection = True

    def wrong(self, fault: Fault) -> None:
        """Send as many other bytes."""
        self.answer(200, bytes(byte ^ 1 for byte in self.found()))

    def redirect(self, fault: Fault) -> None:
        self.answer(307, Location=self.server.elsewhere + self.path)

    def expire(self, fault: Fault) -> None:
        self.server.tokens.clear()
        self.welcome()

    # What goes right.

    def welcome(self) -> bool:
        """Tell whether a request may be answered; if not, it has been."""
        registry = self.server
        if registry.login == "basic" and self.given != f"Basic {USER}":
            self.answer(401, WWW_Authenticate='Basic realm="the registry"')
        elif registry.login == "bearer" and self.given[7:] not in registry.tokens:
            challenge = f'Bearer realm="{registry.url}/token",service="it"'
            self.answer(401, WWW_Authenticate=challenge)
        else:
            return True
        return False

    def token(self) -> None:
        if self.given != f"Basic {USER}":
            return self.answer(401)
        registry = self.server
        registry.issued += 1
        registry.tokens[f"t{registry.issued}"] = parse_qs(self.parts.query)["scope"]
        return self.answer(200, json.dumps({"token": f"t{registry.issued}"}).encode())

    def route(self) -> None:
        path = self.parts.path.removeprefix("/v2/")
        for kind in ("/blobs/uploads/", "/manifests/", "/blobs/", "/tags/"):
            image, found, rest = path.rpartition(kind)
            if found:
                called = "uploads" if "uploads" in kind else kind.strip("/")
                getattr(self, f"{self.command.lower()}_{called}")(image, rest)
                return
        self.answer(404)

    def found(self) -> bytes:
        image, _, rest = self.parts.path.removeprefix("/v2/").partition("/blobs/")
        if rest:
            return self.server.blobs[image, rest]
        image, _, rest = self.parts.path.removeprefix("/v2/").partition("/manifests/")
        return self.server.manifests[image, rest][1]

    def get_blobs(self, image: str, digest: str) -> None:
        data = self.server.blobs.get((image, digest))
        if data is None:
            return self.answer(404)
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        span = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if start:
            return self.answer(206, data[start:], Content_Range=span)
        return self.answer(200, data)

    head_blobs = get_blobs

    def get_manifests(self, image: str, reference: str) -> None:
        known = self.server.manifests.get((image, reference))
        if known is None:
            return self.answer(404)
        digest = f"sha256:{hashlib.sha256(known[1]).hexdigest()}"
        return self.answer(200, known[1], Content_Type=known[0], Docker_Content_Digest=digest)

    head_manifests = get_manifests

    def put_manifests(self, image: str, reference: str) -> None:
        digest = f"sha256:{hashlib.sha256(self.body).hexdigest()}"
        for each in (digest, reference):
            self.server.manifests[image, each] = (self.headers["Content-Type"], self.body)
        self.answer(201, Docker_Content_Digest=digest)

    def get_tags(self, image: str, _: str) -> None:
        tags = sorted(tag for at, tag in self.server.manifests if at == image and ":" not in tag)
        if not tags:
            return self.answer(404)
        # Two on a page, to be turned.
        start = tags.index(self.query["last"]) + 1 if "last" in self.query else 0
        page, more = tags[start : start + 2], tags[start + 2 :]
        link = f'</v2/{image}/tags/list?last={page[-1]}>; rel="next"' if more else ""
        body = json.dumps({"name": image, "tags": page}).encode()
        return self.answer(200, body, **({"Link": link} if link else {}))

    def post_uploads(self, image: str, _: str) -> None:
        mount, giver = self.query.get("mount", ""), self.query.get("from", "")
        if (giver, mount) in self.server.blobs:
            self.server.blobs[image, mount] = self.server.blobs[giver, mount]
            return self.answer(201, Location=f"/v2/{image}/blobs/{mount}")
        name = str(next(self.server.names))
        self.server.uploads[name] = bytearray()
        return self.answer(202, Location=f"/v2/{image}/blobs/uploads/{name}?state=0")

    def patch_uploads(self, image: str, name: str) -> None:
        held = self.server.uploads.get(name)
        start = int(self.headers.get("Content-Range", "0-").partition("-")[0])
        if held is None:
            return self.answer(404)
        if start != len(held):
            return self.answer(416)
        held += self.body
        return self.answer(202, Location=f"/v2/{image}/blobs/uploads/{name}?state={len(held)}")

    def get_uploads(self, image: str, name: str) -> None:
        held = self.server.uploads.get(name)
        if held is None:
            return self.answer(404)
        return self.answer(204, Range=f"0-{max(len(held) - 1, 0)}")

    def put_uploads(self, image: str, name: str) -> None:
        if name not in self.server.uploads:
            return self.answer(404)
        data = bytes(self.server.uploads.pop(name))
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if digest != self.query["digest"]:
            return self.answer(400)
        self.server.blobs[image, digest] = data
        return self.answer(201)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if status != 204:
            named.setdefault("Content-Length", str(len(body)))
        for name, value in named.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class NullFile:
    """Swallow what is written."""

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    closed = False


@contextmanager
def faking() -> Iterator[Fake]:
    with Fake() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


class Counter(ThreadingHTTPServer):
    """Stand before a registry; ``received`` is the bytes of all bodies that went there."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, registry: str) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.host = f"127.0.0.1:{self.server_port}"
        self.registry = registry
        self.received = 0
        self.cuts = 0  # uploads that break half way, from now on
        self.asked: list[tuple[str, str, int]] = []
        self.lock = threading.Lock()


class Relay(Quiet):
    server: Counter

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        connection = http.client.HTTPConnection(self.server.registry, timeout=30)
        if self.command == "PATCH" and len(body) > 1000 and self.server.cuts:
            self.server.cuts -= 1
            return self.cut(connection, body)
        # With its own Host: the registry then gives addresses that lead through here.
        connection.request(self.command, self.path, body, dict(self.headers.items()))
        response = connection.getresponse()
        data = response.read()
        with self.server.lock:
            self.server.received += len(body)
            self.server.asked.append((self.command, self.path, response.status))
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name not in {"Connection", "Transfer-Encoding", "Date"}:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        return connection.close()

    def cut(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        self.server.received += len(body)
        connection.putrequest(self.command, self.path, skip_host=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body[: len(body) // 2])
        connection.close()
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = pass_on  # noqa: N815


@contextmanager
def counting(registry: str) -> Iterator[Counter]:
    with Counter(registry) as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()
