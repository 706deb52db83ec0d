"""The same story on a terminal and in a file; nothing that a name or a message holds is taken for markup."""

from __future__ import annotations

import io

from demonstrated import collected, new_story, result, whole_story
from rich.console import Console

from autoproc.demonstration.ending import comparison, last_words, story_times
from autoproc.demonstration.screen import Plain, Terminal, console_of, drawn_line, screen, table
from autoproc.demonstration.story import TOGETHER, DemoLine


def drawn(what, width=80):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(what)
    return console.file.getvalue()


class Terminals(io.StringIO):
    def isatty(self):
        return True


def test_a_file_gets_plain_lines():
    stream = io.StringIO()
    with screen(console_of(stream)) as shown:
        assert isinstance(shown, Plain)
        shown.say([DemoLine(12.4, "demo_1", "a [bold]word[/] " + 30 * "and more ", "look")])
        shown.show(new_story())
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("  12 s  demo_1: a [bold]word[/] and more")
    assert "\x1b" not in line


def test_a_terminal_gets_a_table_below_the_lines():
    stream = Terminals()
    with screen(Console(file=stream, force_terminal=True, width=80, height=30)) as shown:
        assert isinstance(shown, Terminal)
        shown.say([DemoLine(1.0, "", "it begins")])
        shown.show(new_story())
    assert "it begins" in stream.getvalue()
    assert "images" in stream.getvalue()


def test_what_a_name_may_do_to_a_terminal_is_taken_out():
    assert "\x1b" not in drawn(drawn_line(DemoLine(0.0, "", "a\x1b[31mb")))


def test_what_does_not_fit_on_a_line_goes_on_below_where_it_began():
    first, *others = drawn(drawn_line(DemoLine(12.0, "demo_1", 20 * "and more ", "look")), 60).splitlines()
    assert first.startswith("  12 s demo_1        ● and more")
    assert others
    assert all(len(line) - len(line.lstrip()) == first.index("and") for line in others)


def test_the_table_fits_on_a_terminal_and_says_how_far_each_is():
    story = new_story()
    collected(story, "demo_1")
    story.live({"name": "demo_1", "n_searched": 72, "curves": {"n_spots": [100.0] * 36 + [200.0] * 36, "d_min": []}})
    story.event({"event": "probed", "sweep": "demo_1", "light": "good", "text": "x"})
    story.event(result("demo_1"))
    collected(story, "demo_2", 30)
    lines = drawn(table(story)).splitlines()
    assert all(len(line) <= 80 for line in lines)
    first, second = lines[1], lines[2]
    assert "60/60" in first
    assert "▅▅▅▅▅▅██████ 200" in first
    assert "● good" in first
    assert "2.30 A  90%" in first
    assert "━━━━━━━━ 30/60" in second
    assert "to come" in lines[3]
    assert TOGETHER in lines[4]


def test_the_end_compares_all_and_fits_in_80_letters():
    story, _ = whole_story()
    text = drawn(comparison(story))
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "…" not in text
    rows = [line.split() for line in text.splitlines() if line.strip().startswith(("demo", "combined"))]
    assert [row[0] for row in rows] == ["demo_1", "demo_2", "demo_3", TOGETHER]
    assert "100.0%" in rows[3]
    assert "0.9993" in rows[0]


def test_what_has_no_result_is_not_compared():
    story = new_story()
    story.event(result("demo_2"))
    assert "demo_1" not in drawn(comparison(story))


def test_the_end_leads_to_files_and_further(tmp_path):
    story, _ = whole_story()
    words = "\n".join(last_words(story, tmp_path))
    for name in ("merged.mtz", "summary.txt", "report.html"):
        assert str(tmp_path / TOGETHER / name) in words
    assert f"autoproc serve {tmp_path}" in words
    assert "demo_3/" in words


def test_without_results_there_are_no_files(tmp_path):
    assert "files" not in "\n".join(last_words(new_story(), tmp_path))


def test_times_are_in_their_order():
    story = new_story()
    story.times = {"result of demo_1": 41.2, "first image": 4.4}
    assert story_times(story) == "seconds from the command: first image 4, result of demo_1 41"
