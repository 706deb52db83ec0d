"""A notice arrives by command, mail and webhook; what does not take it is an error within its time."""

from email import message_from_string

import pytest
from listening_servers import DeafServer, MailServer, WebServer, serving
from pydantic import ValidationError

from autoproc.service.notices.due import Notice
from autoproc.service.notices.params import NoticeParams
from autoproc.service.notices.senders import FAILURES, senders

NOTICE = Notice("late", "begins", "images late: no image for 2 min: thaum\u00e4tin")
SEVERAL = Notice("late,disk", "several", "images late: x\nover: disk filling")


def only(**params):
    ((_, send),) = senders(NoticeParams(**params), "/results").items()
    return send


def test_a_command_gets_the_notice_as_arguments(tmp_path):
    told = tmp_path / "told"
    send = only(command=("sh", "-c", 'printf "%s|" "$@" > "$0"', str(told), "{what}", "{state}", "{text}", "{output}"))
    send(NOTICE)
    assert told.read_text() == f"late|begins|{NOTICE.text}|/results|"
    send(SEVERAL)
    assert "|images late: x; over: disk filling|" in told.read_text()


def test_no_value_is_taken_for_an_option(tmp_path):
    told = tmp_path / "told"
    only(command=("sh", "-c", 'printf "%s" "$1" > "$0"', str(told), "{text}"))(Notice("late", "begins", "-rf /"))
    assert told.read_text() == "_rf /"


@pytest.mark.parametrize("command", [("false",), ("/not/there",), ("sleep", "20")])
def test_a_command_that_fails_or_hangs_is_an_error(command):
    with pytest.raises(FAILURES):
        only(command=command, time_limit=0.2)(NOTICE)


def test_mail_arrives_with_a_subject_and_all_receivers():
    server = MailServer()
    with serving(server) as port:
        send = only(mail_to=("a@x.org", "b@y.org"), mail_from="autoproc@i03", mail_server=f"127.0.0.1:{port}")
        send(SEVERAL)
    assert server.receivers == ["rcpt TO:<a@x.org>", "rcpt TO:<b@y.org>"]
    message = message_from_string(server.messages[0])
    assert (message["From"], message["To"]) == ("autoproc@i03", "a@x.org, b@y.org")
    assert message["Subject"] == "autoproc: images late: x"
    assert message.get_payload().startswith("images late: x\r\nover: disk filling\r\n\r\nresults: /results on ")


def test_text_of_strangers_makes_no_headers_of_mail():
    server = MailServer()
    with serving(server) as port:
        send = only(mail_to=("a@x.org",), mail_server=f"127.0.0.1:{port}")
        send(Notice("late", "begins", "x\r\nBcc: c@z.org"))
    message = message_from_string(server.messages[0])
    assert message["Bcc"] is None
    assert len(server.receivers) == 1


def test_a_webhook_gets_json():
    server = WebServer()
    with serving(server) as port:
        only(webhook=f"http://127.0.0.1:{port}/hook?key=1")(NOTICE)
    ((path, kind, body),) = server.posted
    assert (path, kind) == ("/hook?key=1", "application/json")
    assert body.pop("host")
    assert body == {"what": "late", "state": "begins", "text": NOTICE.text, "output": "/results"}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_is_an_error_and_one_that_leads_elsewhere_is_not_followed(status):
    server = WebServer(status)
    with serving(server) as port, pytest.raises(FAILURES, match=str(status)):
        only(webhook=f"http://127.0.0.1:{port}/")(NOTICE)
    assert len(server.posted) == 1


def test_servers_that_say_nothing_or_are_not_there_are_errors():
    with serving(DeafServer()) as port:
        for params in (
            {"webhook": f"http://127.0.0.1:{port}/"},
            {"mail_to": ("a@x",), "mail_server": f"127.0.0.1:{port}"},
        ):
            with pytest.raises(FAILURES):
                only(time_limit=0.2, **params)(NOTICE)
    with pytest.raises(FAILURES):
        only(webhook=f"http://127.0.0.1:{port}/")(NOTICE)


@pytest.mark.parametrize(
    "params",
    [{"webhook": "file:///etc/passwd"}, {"webhook": "ftp://x"}, {"mail_to": ("a b@x",)}, {"mail_to": ("a\n@x",)},
     {"mail_to": ("nobody",)}, {"mail_server": "host"}, {"command": ("x", "{wat}")}, {"command": ("x", "{")},
     {"most_an_hour": 0}, {"disk_free": 1.0}],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_sent_to_is_refused_in_the_configuration(params):
    with pytest.raises(ValidationError):
        NoticeParams(**params)
