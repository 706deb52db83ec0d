"""Process cases plainly and with decisions, and print both beside the truth."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from autoproc.config import Config, with_command_line
from autoproc.engine.plan import process_sensibly
from autoproc.errors import AutoprocError
from autoproc.formats.images.frames import ImageReader
from autoproc.formats.observed.mtz import write_merged_mtz
from autoproc.simulation import simulate, small_params, write_sweep
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing
from validation.decisions import CASES, Case
from validation.truth import Comparison, NotTheLattice, compare, read_truth

BEGIN, END = "<!-- scripts/decision_cases -->", "<!-- end of scripts/decision_cases -->"
STAGE = {"indexing": "index", "max_lattices": "index", "symmetry": "symmetry", "absorption_level": "scale",
         "d_min": "scale"}  # fmt: skip
"""What the journal calls a decision's stage."""
GAIN = 0.98
"""Of the plain chain's R against the truth, below which the engine's is a gain; more unique data are one too."""
LOSS = 1.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sweep one way; comparison None where it failed or found another lattice, as trouble says."""

    processing: Processing
    comparison: Comparison | None
    trouble: str

    @property
    def figures(self) -> str:
        """Beside the truth."""
        if self.comparison is None:
            return self.trouble
        c = self.comparison
        chi2 = sorted(s.chi2 for s in c.shells if s.n)
        middle = chi2[len(chi2) // 2]
        return f"{c.group.xhm()}: CC {c.cc:.4f}, R {100 * c.r:.1f}%, chi2 {middle:.1f}, {c.n} unique"

    def decided(self, stage: str) -> str:
        """The journal: in full of the stage that a case is about, in short of the others."""
        told = [
            d.sentence if d.stage == stage else f"{d.what}: {'yes' if d.kept else 'no'}"
            for d in self.processing.decisions
        ]
        return "; ".join(told) or "nothing"


class Silent:
    """An observer that says and keeps nothing."""

    def stage(self, name: str, report: str) -> None:
        """Nothing."""

    def keep(self, *_: object) -> None:
        """Nothing."""

    def watch(self, reader: ImageReader, *_: object) -> nullcontext[ImageReader]:
        """The reader."""
        return nullcontext(reader)

    def busy(self, _: str) -> nullcontext[None]:
        """Nothing."""
        return nullcontext()


def run_cases(names: Sequence[str], markdown: Path | None) -> int:
    """Print every case; 1 if the engine gained or lost where it should not."""
    chosen = [case for case in CASES if not names or case.name in names]
    rows, wrong = [], 0
    for case in chosen:
        with tempfile.TemporaryDirectory(prefix="autoproc_case_") as folder:
            plain, engine = both_ways(case, Path(folder))
        verdict = trouble(case, plain, engine)
        wrong += bool(verdict)
        seconds = [sum(o.processing.timings.values()) for o in (plain, engine)]
        print(f"{case.name:16} {case.about}: {case.what}\n    plain   {plain.figures}\n    engine  {engine.figures}")
        print(f"    {seconds[0]:.1f} and {seconds[1]:.1f} s")
        for decision in engine.processing.decisions:
            print(f"    {decision.stage}: {decision.sentence}")
        print(f"    {verdict or 'as it should be'}", flush=True)
        rows.append(row(case, plain, engine))
    if markdown is not None:
        put_between(markdown, rows)
    print(f"{len(chosen) - wrong} of {len(chosen)} as they should be")
    return int(wrong > 0)


def both_ways(case: Case, folder: Path) -> tuple[Outcome, Outcome]:
    """Simulate a case and process it plainly and with decisions."""
    written = write_sweep(simulate(small_params(**case.params)), folder, case.name)
    return tuple(  # type: ignore[return-value]
        outcome(written.start, written.truth, {**case.config, **more}, folder)
        for more in ({"decisions.enabled": "false", **case.plain}, {})
    )


def outcome(start: Path, truth: Path, changes: dict[str, str], folder: Path) -> Outcome:
    """Process one way."""
    config = with_command_line(Config(), changes)
    processing = Processing(import_sweeps([str(start)], config.import_sweep).experiments[0].experiment)
    try:
        process_sensibly(processing, config, Silent())
    except AutoprocError as error:
        return Outcome(processing, None, f"failed: {error.message}")
    assert processing.merged is not None
    write_merged_mtz(folder / "merged.mtz", processing.merged, "case")
    try:
        return Outcome(processing, compare(read_truth(truth), folder / "merged.mtz"), "")
    except NotTheLattice as error:
        return Outcome(processing, None, f"not the lattice: {error}")


def trouble(case: Case, plain: Outcome, engine: Outcome) -> str:
    """What is wrong with the outcomes; empty where nothing is."""
    if engine.comparison is None:
        return "WRONG: the engine fails"
    if plain.comparison is None:
        return "" if case.is_needed else "the plain chain fails where nothing was wrong"
    ratio = engine.comparison.r / plain.comparison.r
    more = engine.comparison.n / plain.comparison.n
    if case.is_needed and ratio > GAIN and more < 1 / GAIN:
        return f"WRONG: no gain, R {ratio:.2f} times the plain chain's"
    if not case.is_needed and (ratio > LOSS or more < GAIN):
        return f"WRONG: a loss, R {ratio:.2f} times the plain chain's, {more:.2f} times the unique reflections"
    return ""


def row(case: Case, plain: Outcome, engine: Outcome) -> str:
    """A line of the table."""
    kind = "needed" if case.is_needed else "temptation"
    cells = (case.about, f"{case.what} ({kind})", plain.figures, engine.figures, engine.decided(STAGE[case.about]))
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def put_between(path: Path, rows: Sequence[str]) -> None:
    """Write the table between the markers."""
    text = path.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    head = ["| decision | case | plain | engine | what it decided |", "| --- | --- | --- | --- | --- |"]
    path.write_text(before + "\n".join([BEGIN, *head, *rows, END]) + after, encoding="utf-8")
