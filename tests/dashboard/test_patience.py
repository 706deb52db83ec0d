"""What one visitor may take of the server: its time, its memory, its connections."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import ExitStack, contextmanager

import pytest
from queued import queue_in

from autoproc.dashboard import patience
from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.listening import FOR_PROXY, NoSuchSocket, PortTaken, address_of, listening
from autoproc.dashboard.params import ServeParams
from autoproc.service.results.outputs import Outputs

KEYS = Keys("a secret of the tests")
ASKED = f"Host: localhost\r\nAuthorization: Bearer {KEYS.program_key}\r\n".encode()


@contextmanager
def running(tmp_path):
    queue_in(tmp_path).close()
    params = ServeParams(port=0)
    server = patience.server_of(dashboard(Outputs(tmp_path), params, KEYS))
    with listening(params) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def talking(place, said=b""):
    with socket.create_connection(place, timeout=20) as line:
        line.sendall(said)
        yield line


def test_who_does_not_say_what_he_wants_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "SLOWEST_HEAD", 0.3)
    with running(tmp_path) as place:
        for said in (b"", b"GET / HTTP/1.1\r\nHost: loc", b"GET /healthz HTTP/1.1\r\n" + ASKED + b"\r\nG"):
            with talking(place, said) as line:
                heard = b""
                while more := line.recv(65536):
                    heard += more
                assert heard.startswith(b"HTTP/1.1 200") == said.endswith(b"G")


def test_more_headers_than_browsers_send_are_refused(tmp_path):
    flood = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 900) for n in range(60))
    with running(tmp_path) as place, talking(place, b"GET / HTTP/1.1\r\n" + flood + b"\r\n") as line:
        assert line.recv(12) == b"HTTP/1.1 400"


def test_no_header_says_where_a_connection_comes_from(tmp_path):
    forged = b"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Remote-User: root\r\n"
    said = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + forged + b"\r\n"
    with running(tmp_path) as place, talking(place, said) as line:
        assert line.recv(12) == b"HTTP/1.1 401"


def test_those_who_listen_are_let_go_at_its_end(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "uvicorn.error"), ExitStack() as kept, running(tmp_path) as place:
        line = kept.enter_context(talking(place, b"GET /api/events HTTP/1.1\r\n" + ASKED + b"\r\n"))
        assert line.recv(12) == b"HTTP/1.1 200"
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_port_that_is_taken_is_said():
    with listening(ServeParams(port=0)) as first, pytest.raises(PortTaken, match="is taken"):
        listening(ServeParams(port=first.getsockname()[1]))


def test_addresses_of_both_kinds_are_written_as_browsers_take_them():
    for host, start in (
        ("127.0.0.1", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
        ("localhost", "http://localhost:"),
    ):
        params = ServeParams(host=host, port=0)
        try:
            listener = listening(params)
        except Exception as error:
            pytest.skip(f"{host} is not there: {error}")
        with listener:
            assert address_of(listener, params) == f"{start}{listener.getsockname()[1]}"


def test_a_unix_socket_is_its_owners_and_groups(tmp_path):
    params = ServeParams(socket=tmp_path / "pages")
    with listening(params) as listener:
        assert (tmp_path / "pages").stat().st_mode & 0o777 == FOR_PROXY
        assert address_of(listener, params) == ""
        with pytest.raises(NoSuchSocket):
            listening(params)
    with listening(params):  # one that was left over
        pass


def test_a_file_is_not_replaced_by_a_socket(tmp_path):
    (tmp_path / "pages").write_text("mine")
    with pytest.raises(NoSuchSocket):
        listening(ServeParams(socket=tmp_path / "pages"))
    assert (tmp_path / "pages").read_text() == "mine"
