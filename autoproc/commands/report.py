"""`autoproc report`: a page of plots for the files of any stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from autoproc.commands.leaving import CannotWrite, leaving_well
from autoproc.errors import ConfigurationError
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.image_numbers import to_scan_frames
from autoproc.formats.dials.refl import read_refl
from autoproc.reports.files_report import files_page


class NotAPair(ConfigurationError):
    """A report is of one .expt file with its .refl file."""

    what = "autoproc report needs one .expt and one .refl file, and was given {given}"
    hint = "for example: autoproc report refined.expt refined.refl"


def report_command(files: Sequence[Path], output: Path | None) -> None:
    """Write the page, beside where the program is run if not told where."""
    with leaving_well():
        models = [f for f in files if f.suffix == ".expt"]
        tables = [f for f in files if f.suffix == ".refl"]
        if len(models) != 1 or len(tables) != 1 or len(files) != 2:
            raise NotAPair(given=", ".join(f.name for f in files) or "nothing")
        experiments = read_expt(models[0])
        reflections = to_scan_frames(read_refl(tables[0]), experiments)
        page = files_page(tables[0].name, experiments, reflections)
        path = output or Path(f"{tables[0].stem}.html")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise CannotWrite(path=path, reason=error.strerror or error) from error
        typer.echo(f"Saved the report to {path}")
