"""Ways to send a notice: a command, mail, a webhook. Each within a time, and none of them waited for by the work."""

from __future__ import annotations

import json
import smtplib
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from http.client import HTTPException

from autoproc.legible import legible, legible_lines
from autoproc.service.notices.due import Notice
from autoproc.service.notices.hooks import filled_in, harmless
from autoproc.service.notices.params import NoticeParams

MOST_READ = 4096
"""Bytes of a web server's answer that are read: nobody looks at them."""
FAILURES = (OSError, ValueError, HTTPException, smtplib.SMTPException, subprocess.SubprocessError)
"""What sending may raise; URLError, timeouts and refused connections are OSErrors."""
Send = Callable[[Notice], None]


class NotSent(OSError):
    """A command that ended in failure."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A notice goes to the address that is configured, and to no other that its server names."""

    def redirect_request(self, *_: object) -> None:
        """None is followed: an error of its number is raised."""


def senders(params: NoticeParams, output: str) -> dict[str, Send]:
    """By a name for people, what sends a notice; each may raise FAILURES."""
    facts = {"output": output, "host": socket.gethostname()}
    ways: dict[str, Send] = {}
    if params.command:
        ways[f"the command {params.command[0]}"] = lambda notice: _run(params, notice, facts)
    if params.mail_to:
        ways[f"mail through {params.mail_server}"] = lambda notice: _mail(params, notice, facts)
    if params.webhook:
        ways["the webhook"] = lambda notice: _post(params, notice, facts)
    return ways


def _run(params: NoticeParams, notice: Notice, facts: Mapping[str, str]) -> None:
    values = {"what": notice.what, "state": notice.state, "text": notice.text.replace("\n", "; "), **facts}
    command = filled_in(params.command, {key: harmless(key, value) for key, value in values.items()})
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0,
        timeout=params.time_limit, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NotSent(f"exit status {done.returncode}")


def _mail(params: NoticeParams, notice: Notice, facts: Mapping[str, str]) -> None:
    message = EmailMessage()
    message["From"], message["To"] = params.mail_from, ", ".join(params.mail_to)
    first = notice.text.partition("\n")[0]
    message["Subject"] = f"autoproc: {legible(first)[:150]}"
    message.set_content(f"{legible_lines(notice.text)}\n\nresults: {legible(facts['output'])} on {facts['host']}\n")
    host, _, port = params.mail_server.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=params.time_limit) as server:
        server.send_message(message)


def _post(params: NoticeParams, notice: Notice, facts: Mapping[str, str]) -> None:
    body = {"what": notice.what, "state": notice.state, "text": notice.text, **facts}
    request = urllib.request.Request(params.webhook, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=params.time_limit) as answer:
        answer.read(MOST_READ)
