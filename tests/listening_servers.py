"""A mail and a web server of this machine, for tests of what is sent to them."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Its port, while it serves."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as one message takes (RFC 5321)."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(text)
                self.server.messages.append(b"".join(lines).decode())
            elif verb == b"RCPT":
                self.server.receivers.append(line.strip().decode())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
            if verb == b"QUIT":
                return


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps what it gets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Mail)
        self.messages: list[str] = []
        self.receivers: list[str] = []


class Web(BaseHTTPRequestHandler):
    """Answers with the server's status, and keeps what was posted."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class WebServer(HTTPServer):
    """Keeps what it gets."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Web)
        self.status, self.posted = status, []


class Deaf(socketserver.BaseRequestHandler):
    """Takes a connection and says nothing until the server ends."""

    def handle(self) -> None:
        self.server.is_over.wait(20)


class DeafServer(socketserver.ThreadingTCPServer):
    """Never answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Deaf)
        self.is_over = threading.Event()

    def shutdown(self) -> None:
        self.is_over.set()
        super().shutdown()
