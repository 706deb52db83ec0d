"""Events: whoever listens hears of each change, whoever was away catches up, and nobody is waited for."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import pytest
from queued import begun, finished, found, queue_in

from autoproc.dashboard import feed as feeds
from autoproc.dashboard.feed import MOST_WAITING, Feed
from autoproc.dashboard.reader import QueueReader
from autoproc.errors import AutoprocError
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.program import this_machine, this_program
from autoproc.service.queue_file import queue_there
from autoproc.service.results.outputs import Outputs

PATIENCE = 20.0
GONE = f"{this_machine()}:999999999:1"
"""A program of this machine that has ended."""


def names_of(queue, ids):
    return json.dumps({"names": [queue.job(number).name for number in ids], "gone": sorted(queue.interrupted())})


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(feeds, "LOOK", 0.01)


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    finished(queue, "before")
    yield queue
    queue.close()


@asynccontextmanager
async def watched(output):
    reader = QueueReader(lambda: queue_there(Outputs(output)))
    feed = Feed(reader, names_of)
    watch = asyncio.create_task(feed.watch())
    while feed._standing is None:
        await asyncio.sleep(0.01)
    try:
        yield feed
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        reader.close()


async def listening(feed, seen=None):
    events = feed.follow(seen)
    assert (await anext(events)).startswith("retry:")
    return events


async def next_of(events):
    text = await asyncio.wait_for(anext(events), PATIENCE)
    fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
    return int(fields["id"]), fields["event"], json.loads(fields["data"])


async def names_until(events, wanted):
    heard = []
    while wanted not in heard:
        heard += (await next_of(events))[2]["names"]
    return heard


def test_a_change_is_heard_by_all_who_listen(tmp_path, queue):
    async def story():
        async with watched(tmp_path) as feed:
            listeners = [await listening(feed) for _ in range(50)]
            queue.add(found("new"))
            heard = await asyncio.gather(*(next_of(events) for events in listeners))
            assert feed.n_followers == 50
            assert all(kind == "sweeps" and news["names"] == ["new"] for _, kind, news in heard)
            assert len({number for number, _, _ in heard}) == 1
            for events in listeners:
                await events.aclose()
            assert feed.n_followers == 0

    asyncio.run(story())


def test_the_news_of_one_look_is_made_once_for_all(tmp_path, queue):
    async def story():
        async with watched(tmp_path) as feed:
            made = []
            feed._told = lambda queue, ids: made.append(ids) or names_of(queue, ids)
            listeners = [await listening(feed) for _ in range(5)]
            queue.add(found("new"))
            await asyncio.gather(*(next_of(events) for events in listeners))
            assert len(made) == 1

    asyncio.run(story())


def test_nothing_is_made_for_nobody(tmp_path, queue):
    async def story():
        async with watched(tmp_path) as feed:
            feed._told = lambda queue, ids: pytest.fail("nobody listens")
            queue.add(found("new"))
            async with asyncio.timeout(PATIENCE):
                while feed._number != queue.changes.latest:
                    await asyncio.sleep(0.01)

    asyncio.run(story())


def test_who_was_away_is_told_of_each_sweep_that_has_changed_once(tmp_path, queue):
    seen = queue.changes.latest
    for name in ("a", "b"):
        finished(queue, name)
    queue.add(found("c"))

    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed, seen)
            number, kind, news = await next_of(events)
            assert (number, kind) == (queue.changes.latest, "sweeps")
            assert sorted(news["names"]) == ["a", "b", "c"]

    asyncio.run(story())


def test_who_has_caught_up_goes_on_without_a_gap(tmp_path, queue):
    seen = queue.changes.latest
    queue.add(found("missed"))

    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed, seen)
            queue.add(found("meanwhile"))
            assert (await next_of(events))[2]["names"][:1] == ["missed"]
            queue.add(found("after"))
            heard = await names_until(events, "after")
            assert "missed" not in heard

    asyncio.run(story())


def test_numbers_never_go_back(tmp_path, queue):
    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed, 0)
            numbers = []
            for name in "abcdef":
                queue.add(found(name))
                numbers.append((await next_of(events))[0])
            assert numbers == sorted(numbers)

    asyncio.run(story())


def test_where_too_much_has_changed_the_page_is_loaded_anew(tmp_path, queue, monkeypatch):
    monkeypatch.setattr(feeds, "MOST_ROWS", 3)
    for name in "abcd":
        queue.add(found(name))

    async def story():
        async with watched(tmp_path) as feed:
            assert (await next_of(await listening(feed, 0)))[1] == "reload"
            events = await listening(feed)
            with queue.together():
                for name in "efgh":
                    queue.add(found(name))
            number, kind, _ = await next_of(events)
            assert (number, kind) == (queue.changes.latest, "reload")

    asyncio.run(story())


def test_the_number_of_another_queue_has_the_page_loaded_anew(tmp_path, queue):
    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed, 10**9)
            assert (await next_of(events))[1] == "reload"
            queue.add(found("new"))
            assert (await next_of(events))[2]["names"] == ["new"]

    asyncio.run(story())


def test_who_does_not_take_events_is_dropped_and_the_others_are_not(tmp_path, queue):
    async def story():
        async with watched(tmp_path) as feed:
            slow, quick = await listening(feed), await listening(feed)
            for number in range(MOST_WAITING + 1):
                queue.add(found(f"x{number}"))
                await next_of(quick)
            assert feed.n_followers == 1
            assert len([text async for text in slow]) == MOST_WAITING  # they had waited; then it ends

    asyncio.run(story())


def test_silence_is_broken(tmp_path, queue, monkeypatch):
    monkeypatch.setattr(feeds, "KEEP_ALIVE", 0.02)

    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed)
            assert (await anext(events)).startswith(":")
            queue.add(found("new"))
            text = ":"
            while text.startswith(":"):
                text = await anext(events)
            assert "new" in text

    asyncio.run(story())


def test_a_sweep_whose_program_dies_is_told_of_though_nobody_writes(tmp_path, queue, monkeypatch):
    queue.add(found("left"))
    job = queue.claim(this_program(), 60.0)

    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed)
            monkeypatch.setattr(
                "autoproc.service.job_queue.programs_at_work.is_dead", lambda program: program == this_program()
            )
            number, _, news = await next_of(events)
            assert news == {"names": ["left"], "gone": [job.id]}
            assert number == queue.changes.latest

    asyncio.run(story())


def test_who_was_away_when_a_program_died_is_told_too(tmp_path, queue):
    queue.add(found("left"))
    job = queue.claim(GONE, 60.0)

    async def story():
        async with watched(tmp_path) as feed:
            _, _, news = await next_of(await listening(feed, queue.changes.latest))
            assert news == {"names": ["left"], "gone": [job.id]}

    asyncio.run(story())


@pytest.mark.parametrize("what", ["comes", "sees images"])
def test_programs_and_what_they_see_coming_are_news(tmp_path, queue, what):
    me = this_program()
    if what == "sees images":
        queue.programs.attend(me, ["/data"])

    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed)
            if what == "comes":
                queue.programs.attend(me, ["/data"])
            else:
                queue.programs.show(me, [Arriving("/data/x_##.cbf", "x", 3, "images are coming", None)])
            assert (await next_of(events))[2]["names"] == []

    asyncio.run(story())


def test_what_the_pages_themselves_change_is_news(tmp_path, queue):
    queue.add(found("waiting"))

    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed)
            await feed._reader.ask(lambda own: own.cancel("waiting"))
            assert (await next_of(events))[2]["names"] == ["waiting"]

    asyncio.run(story())


def test_a_queue_that_cannot_be_read_for_a_while_is_looked_at_again(tmp_path, queue):
    async def story():
        async with watched(tmp_path) as feed:
            events = await listening(feed)
            aside = tmp_path / ".autoproc" / "aside"
            place = tmp_path / ".autoproc" / "queue.sqlite"
            failures, own = [], feed._reader.ask

            async def asking(question):
                try:
                    return await own(question)
                except AutoprocError as error:
                    failures.append(error)
                    raise

            feed._reader.ask = asking
            place.rename(aside)
            async with asyncio.timeout(PATIENCE):
                while not failures:
                    await asyncio.sleep(0.01)
            aside.rename(place)
            queue.add(found("new"))
            assert (await next_of(events))[2]["names"] == ["new"]

    asyncio.run(story())


def test_a_sweep_that_goes_on_is_told_of_as_it_stands_in_the_end(tmp_path, queue):
    seen = queue.changes.latest
    queue.add(found("quick"))
    queue.finish(begun(queue), JobState.processed, {"status": "processed"}, {})

    async def story():
        async with watched(tmp_path) as feed:
            feed._told = lambda queue, ids: json.dumps({"states": [queue.job(number).state for number in ids]})
            assert (await next_of(await listening(feed, seen)))[2]["states"] == ["processed"]

    asyncio.run(story())
