"""Listening takes nothing from others, waits for who is not there, and holds back what finds no room."""

import time
from contextlib import closing

import pytest

pytest.importorskip("zmq")

import zmq

from autoproc.recording import subscription as module
from autoproc.recording.params import RecordParams
from autoproc.recording.subscription import NoSuchEndpoint, Subscription
from autoproc.simulation.publishing import relay

ANY = "tcp://127.0.0.1:*"
LONG = 20.0


@pytest.fixture
def said():
    return []


def listening(endpoint, said, **params):
    return closing(Subscription(RecordParams(endpoint=endpoint, **params), lambda text, is_bad: said.append(text)))


BIG = 4 << 20


def listen_until(stream, is_so):
    until = time.monotonic() + LONG
    while time.monotonic() < until:
        if is_so():
            return
        stream.listen(0.05)
    pytest.fail("it never became so")


def received(stream, n):
    return [stream.next(LONG) for _ in range(n)]


def test_each_of_two_listeners_has_everything(said):
    sent = [bytes([n]) * 1000 for n in range(50)]
    with relay(ANY) as source, listening(source.address, said) as one, listening(source.address, said) as other:
        assert source.wait_for(2, LONG) == 2
        for message in sent:
            source.send(message)
        assert received(one, 50) == sent
        assert received(other, 50) == sent


def test_from_a_detector_nothing_is_taken(said):
    """A writer that pulls has every message, with us beside it."""
    context = zmq.Context()
    push, writer = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    address = f"tcp://127.0.0.1:{push.bind_to_random_port('tcp://127.0.0.1')}"
    writer.connect(address)
    with listening(address, said) as stream:
        listen_until(stream, lambda: said)
        for n in range(20):
            push.send(bytes([n]))
        assert [writer.recv() for _ in range(20)] == [bytes([n]) for n in range(20)]
        assert stream.next(0.2) is None
    assert "Nothing is taken from it" in said[0]
    context.destroy(0)


def test_an_output_of_its_own_is_pulled_from_where_that_is_said(said):
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    address = f"tcp://127.0.0.1:{push.bind_to_random_port('tcp://127.0.0.1')}"
    with listening(address, said, socket="pull") as stream:
        push.send(b"image")
        assert stream.next(LONG) == b"image"
    context.destroy(0)


def test_it_is_told_where_pulling_finds_a_publisher(said):
    with relay(ANY) as source, listening(source.address, said, socket="pull") as stream:
        listen_until(stream, lambda: said)
        assert "hands out no messages" in said[0]


def test_it_waits_for_a_relay_that_comes_later_and_comes_back(said):
    with relay(ANY) as source:
        address = source.address
    with listening(address, said) as stream:
        listen_until(stream, lambda: said)
        assert said == [f"nobody answers at {address}; waiting"]
        for n in range(2):
            with relay(address) as source:
                listen_until(stream, lambda source=source: source.wait_for(1, 0.02))
                source.send(bytes([n]))
                assert stream.next(LONG) == bytes([n])
            listen_until(stream, lambda n=n: len(said) == 3 + 2 * n)
    assert said[1:3] == [f"listening to {address}", f"{address} is gone; waiting for it to come back"]


def test_a_relay_in_the_place_of_a_detector_is_listened_to(said, monkeypatch):
    """ZeroMQ gives up an address at which it once found another kind of socket."""
    monkeypatch.setattr(module, "AGAIN", 0.05)
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    address = f"tcp://127.0.0.1:{push.bind_to_random_port('tcp://127.0.0.1')}"
    with listening(address, said) as stream:
        listen_until(stream, lambda: said)
        context.destroy(0)
        with relay(address) as source:
            listen_until(stream, lambda: source.wait_for(1, 0.02))
            source.send(b"image")
            assert stream.next(LONG) == b"image"


def test_what_finds_no_room_is_lost_and_told_of(said):
    sent = [bytes([n]) * BIG for n in range(7)]
    with relay(ANY) as source, listening(source.address, said, memory=16) as stream:
        listen_until(stream, lambda: said)
        for n, message in enumerate(sent[:6], 1):  # one by one, so that ZeroMQ itself has room for each
            source.send(message)
            listen_until(stream, lambda n=n: stream.n_bytes // BIG + stream.n_dropped == n)
        assert stream.n_dropped == 2
        assert stream.n_bytes == 16 << 20
        assert received(stream, 4) == sent[:4]
        source.send(sent[6])
        assert stream.next(LONG) == sent[6]
        assert stream.n_bytes == 0
    assert said[1:] == [
        "16 MB of messages wait (record.memory): what comes now is lost here",
        "messages are kept again; 2 messages were lost",
    ]


def test_what_is_sent_to_nobody_else_waits_at_its_sender(said):
    context = zmq.Context()
    push = context.socket(zmq.PUSH)
    address = f"tcp://127.0.0.1:{push.bind_to_random_port('tcp://127.0.0.1')}"
    sent = [bytes([n]) * BIG for n in range(30)]
    with listening(address, said, memory=16, socket="pull") as stream:
        for message in sent:
            push.send(message)
        listen_until(stream, lambda: stream.n_bytes == 16 << 20)
        for _ in range(5):
            stream.listen(0.01)
        assert stream.n_bytes == 16 << 20
        assert received(stream, 30) == sent
    context.destroy(0)


def test_an_address_that_is_none(said):
    endpoint = f"ipc:///{'x' * 200}"  # longer than a socket's name may be
    with pytest.raises(NoSuchEndpoint, match="nothing can be received from ipc"):
        Subscription(RecordParams(endpoint=endpoint), lambda text, is_bad: said.append(text))
