"""The command `autoproc`: what its subcommands are called and take.

Nothing of what they do is loaded here, so that help and completion come at once.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from autoproc import __version__
from autoproc.commands.catalogue import STEPS, StepDescription, command_name
from autoproc.commands.elsewhere import ELSEWHERE
from autoproc.commands.options import (
    Arguments,
    AttributesLevel,
    ExpertLevel,
    OutputFile,
    OutputFolder,
    Threads,
    Verbosity,
    folder,
)
from autoproc.commands.workers_of_run import add_workers
from autoproc.demonstration.crystals import RATE

HERE = Path()
_is_program = ContextVar("_is_program", default=False)
"""This process is the program and nothing else, so that it may begin others before it knows what for."""
RESULTS = Path("autoproc_processed")


class Commands(typer.core.TyperGroup):
    """The commands, also by the names that DIALS gives them: find_spots, dials.find_spots."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command whose name comes first, in any spelling."""
        name = args[0] if args[0] in self.commands else command_name(args[0])
        if name in ELSEWHERE:
            ctx.fail(f"autoproc has no {args[0]}: {ELSEWHERE[name]}")
        return super().resolve_command(ctx, [name, *args[1:]])


app = typer.Typer(
    name="autoproc",
    context_settings={"help_option_names": ["--help", "-h"]},
    cls=Commands,
    help="Process X-ray rotation sweeps: images in, merged intensities out.\n\n"
    "`autoproc run PATH` does everything. The other commands are its steps, one by one, as a crystallographer "
    "walks through them with DIALS; they read and write the same .expt and .refl files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class ImageFormat(StrEnum):
    """Image file formats that can be simulated."""

    minicbf = "minicbf"
    nxmx = "nxmx"
    smv = "smv"
    marccd = "marccd"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"autoproc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Set nothing; --version acts by itself."""


@app.command("version", hidden=True)
def _print_version() -> None:
    """Print the version."""
    _version(wanted=True)


@app.command("run", short_help="Process every sweep found under the paths.")
def _run(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="PATH... [KEY=VALUE...]", help="Folders, images, templates, master files; parameters."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the results, one folder a sweep below it.", callback=folder),
    ] = RESULTS,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of parameters.")] = None,
    threads: Threads = None,
    once: Annotated[
        bool, typer.Option("--once", help="Leave when what is there is processed, instead of watching for more.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show the results in a browser meanwhile, as `autoproc serve` does.")
    ] = False,
    beside: Annotated[int | None, typer.Option("--beside", hidden=True)] = None,
) -> None:
    """Process every sweep found under the paths: images in, merged intensities out.

    For each sweep OUTPUT/<sweep>/ holds merged.mtz, unmerged.mtz, summary.txt, summary.json, report.html,
    autoproc.log and stages/, the .expt and .refl files of every step, which DIALS reads.

    Parameters as TABLE.KEY=VALUE, for example scale.d_min=1.8 index.max_lattices=2; `autoproc config`
    prints them all.

    Exit status: 0 all processed, 3 at least one sweep failed, 2 wrong usage.
    """
    ahead = _ahead() if _is_program.get() else None
    from autoproc.commands.run import run_command  # noqa: PLC0415

    run_command(arguments, output, config, threads, once, ahead, serve, beside)


add_workers(app)


@app.command("demo", short_help="Show all of it with a simulated beamline.")
def _demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the images and the results.", callback=folder)
    ] = Path("autoproc_demo"),
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Port of the pages; 8642, or any that is free, if not given."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page where there is a screen.")
    ] = True,
    keep_running: Annotated[
        bool | None,
        typer.Option(
            "--keep-running/--end", help="Leave the pages there in the end, until Ctrl-C; so it is if they were opened."
        ),
    ] = None,
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=100.0, help="Images a second.")] = RATE,
) -> None:
    """Show it all: a simulated beamline writes three crystals, one of them split, one damaged; the program watches.

    Images come, spots are found, a probe tells what the crystal is like; each crystal is processed when its last image
    is there, and all of them are put together. The page shows it in a browser; the terminal tells the same story.

    Exit status: 0 if the results of all three and of all together are there, 3 otherwise, 2 wrong usage.
    """
    began = time.monotonic()
    from autoproc.commands.demo import Wishes, demo_command  # noqa: PLC0415

    demo_command(output, Wishes(rate, port, browser, keep_running), began)


@app.command("record", short_help="Record a detector's stream as sweeps.")
def _record(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[tcp://HOST:PORT] [KEY=VALUE...]", help="Where the stream is published; parameters."),
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Folder of the sweeps.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of parameters.")] = None,
    beside: Annotated[int | None, typer.Option("--beside", hidden=True)] = None,
) -> None:
    """Record a detector's stream (DECTRIS Stream V2) as master and data files, which `autoproc run` then processes.

    It listens to a relay that publishes the stream, and takes no image from anybody. For example:
    autoproc record tcp://relay:31011 --to /data/visit/streamed
    """
    from autoproc.commands.record import record_command  # noqa: PLC0415

    record_command(arguments or [], to, config, beside)


@app.command("serve", short_help="Show results in a browser.")
def _serve(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[OUTPUT] [KEY=VALUE...]", help="Folder of the results; parameters.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of parameters.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Print a link to the pages that are served now.")] = False,
    key: Annotated[bool, typer.Option("--key", help="Print the key with which programs may ask.")] = False,
    beside: Annotated[int | None, typer.Option("--beside", hidden=True)] = None,
) -> None:
    """Show results in a browser: sweeps as they come and are processed, images, reciprocal lattices.

    Prints a link that lets one browser in, and another when it was used. The pages are for this machine alone unless
    serve.host and serve.proxy say otherwise.
    """
    from autoproc.commands.serve import serve_command  # noqa: PLC0415

    serve_command(arguments or [], config, link, key, beside)


@app.command("reciprocal-lattice-viewer", short_help="Show spots in reciprocal space, in a browser.")
def _reciprocal_lattice_viewer(
    arguments: Annotated[
        list[str], typer.Argument(metavar="FILE.expt FILE.refl [KEY=VALUE...]", help="Models and their spots.")
    ],
) -> None:
    """Show the spots of .expt and .refl files in reciprocal space, in a browser: turn, zoom, lattices on and off.

    Prints a link that lets one browser in, to any free port of this machine or that of serve.port=. For example:
    autoproc reciprocal-lattice-viewer indexed.expt indexed.refl
    """
    from autoproc.commands.lattice_view import lattice_view_command  # noqa: PLC0415

    lattice_view_command(arguments)


@app.command("view", short_help="Show images in a browser, with their spots.")
def _view(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE... [KEY=VALUE...]", help="Images of a sweep, or an .expt file with its .refl file."
        ),
    ],
) -> None:
    """Show images in a browser, with their spots and reflections: zoom, contrast, stacks, what the spot finder sees.

    Prints a link that lets one browser in, to any free port of this machine or that of serve.port=. For example:
    autoproc view lyso_00001.cbf, autoproc view integrated.expt integrated.refl
    """
    from autoproc.commands.view import view_command  # noqa: PLC0415

    view_command(arguments)


Sweeps = Annotated[
    list[str], typer.Argument(metavar="SWEEP...", help="Names of sweeps, as `autoproc status` has them.")
]
Results = Annotated[Path, typer.Option("--output", "-o", help="Folder of the results, as for `autoproc run`.")]


@app.command("status", short_help="Show the sweeps that `autoproc run` has found.")
def _status(
    sweeps: Annotated[list[str] | None, typer.Argument(metavar="[SWEEP...]", help="Tell the story of these.")] = None,
    output: Results = RESULTS,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, for programs.")] = False,
    show_all: Annotated[bool, typer.Option("--all", "-a", help="All rows, where there are many.")] = False,
) -> None:
    """Show the sweeps that `autoproc run` has found: waiting, at work, done, failed."""
    from autoproc.commands.job_queue import status_command  # noqa: PLC0415

    status_command(sweeps or [], output, watch, as_json, show_all)


@app.command("retry", short_help="Try sweeps again that failed.")
def _retry(sweeps: Sweeps, output: Results = RESULTS) -> None:
    """Try sweeps again that failed, were cancelled or set aside."""
    from autoproc.commands.job_queue import retry_command  # noqa: PLC0415

    retry_command(sweeps, output)


@app.command("cancel", short_help="Take sweeps out of the queue.")
def _cancel(sweeps: Sweeps, output: Results = RESULTS) -> None:
    """Take sweeps out of the queue; those at work are stopped."""
    from autoproc.commands.job_queue import cancel_command  # noqa: PLC0415

    cancel_command(sweeps, output)


@app.command("reprocess", short_help="Process sweeps again, with other parameters.")
def _reprocess(
    arguments: Annotated[
        list[str], typer.Argument(metavar="SWEEP... [KEY=VALUE...]", help="Names of sweeps; parameters to change.")
    ],
    output: Results = RESULTS,
) -> None:
    """Process sweeps again, with other parameters if any are given; `autoproc run` at work or next time does it."""
    from autoproc.commands.job_queue import reprocess_command  # noqa: PLC0415

    reprocess_command(arguments, output)


def _step_command(step: StepDescription) -> Callable[..., None]:
    def parameters(wanted: bool) -> None:
        if not wanted:
            return
        from autoproc.commands.display import parameters_command  # noqa: PLC0415

        parameters_command(step)
        raise typer.Exit

    def command(
        arguments: Arguments,
        output: OutputFolder = HERE,
        threads: Threads = None,
        show_config: bool = False,
        verbosity: Verbosity = 0,
        _expert: ExpertLevel = 0,
        _attributes: AttributesLevel = 0,
    ) -> None:
        from autoproc.commands.step import run_step  # noqa: PLC0415

        run_step(step, arguments, output, threads, verbosity)

    show = typer.Option(
        "--show-config", "-c", is_eager=True, callback=parameters, help="Print all parameters and leave."
    )
    command.__annotations__["show_config"] = Annotated[bool, show]
    if step.endings:
        command.__annotations__["output"] = OutputFile
    return command


for _step in STEPS:
    app.command(_step.name, help=_step.help_text, short_help=_step.brief)(_step_command(_step))


@app.command("show", short_help="Print what files hold: models, columns.")
def _show(
    files: Annotated[list[Path], typer.Argument(help=".expt, .refl, images, master files, .mtz")],
) -> None:
    """Print what files hold: models, columns, headers."""
    from autoproc.commands.display import show_command  # noqa: PLC0415

    show_command(files)


@app.command("report", short_help="Draw plots of the files of any stage.")
def _report(
    files: Annotated[list[Path], typer.Argument(help="One .expt and one .refl file of the same stage.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The page; NAME.html if not given.")] = None,
) -> None:
    """Draw plots of the files of any stage: spots, models, intensities, scales, statistics."""
    from autoproc.commands.report import report_command  # noqa: PLC0415

    report_command(files, output)


@app.command("config", short_help="Print every parameter with its meaning.")
def _config(
    table: Annotated[str | None, typer.Argument(help="Print this table only, for example index.")] = None,
    file: Annotated[Path | None, typer.Option("--config", "-c", help="Check this file; print it whole.")] = None,
) -> None:
    """Print every parameter with its meaning and value, as a TOML file to start from."""
    from autoproc.commands.display import config_command  # noqa: PLC0415

    config_command(table, file)


@app.command("simulate", short_help="Write a rotation sweep with a known answer.")
def _simulate(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[demo|small|sweep] [KEY=VALUE...]", help="A preset to start from, and parameters."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the images.", callback=folder)] = Path(
        "simulated"
    ),
    name: Annotated[str, typer.Option("--name", help="Name of the sweep's files.")] = "demo",
    image_format: Annotated[ImageFormat, typer.Option("--format", help="Image format.")] = ImageFormat.minicbf,
    compress: Annotated[bool, typer.Option("--gzip", help="Write .cbf.gz.")] = False,
    parameters: Annotated[
        bool, typer.Option("--parameters", help="Print every parameter with its meaning and value, and leave.")
    ] = False,
) -> None:
    """Write a rotation sweep with a known answer: images, and NAME_truth.npz beside them.

    demo is a lysozyme-like crystal on a Pilatus 300K, small 60 little images that are done in seconds, sweep a good
    crystal with nothing changed. Change what you like:

    autoproc simulate sweep cell=96,51,62,90,112,90 space_group='C 1 2 1' n_images=240

    Another seed= is another crystal of another structure; with structure_seed= given, it is another crystal of the
    same one.
    """
    from autoproc.commands.simulate import simulate_command  # noqa: PLC0415

    simulate_command(arguments or [], output, name, image_format.value, compress, parameters)


def _ahead() -> Any:
    """The first processes that `run` needs: they load what they need while it does."""
    from autoproc.service.processes.begin_process import BegunAhead  # noqa: PLC0415

    return BegunAhead()


def _leave(status: Any) -> None:
    """End at once if all is said: to take the interpreter apart takes half a second, for which people wait."""
    if not isinstance(status, int):
        return
    with suppress(OSError, ValueError):  # nobody reads any more: the usual end knows what to do
        for stream in filter(None, (sys.stdout, sys.stderr)):  # a program begun without them has none
            stream.flush()
        os._exit(status)


def main() -> None:
    """Run the program."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        # The stages have their own threads; linear algebra with more would make results depend on their number.
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    as_it_was = _is_program.set(True)
    try:
        app()
    except SystemExit as left:
        _leave(left.code)
        raise
    except (AttributeError, ImportError, TypeError) as error:
        from autoproc.kernels.staleness import what_stale_kernels_ask_for  # noqa: PLC0415  (where it is needed only)

        stale = what_stale_kernels_ask_for()
        if stale:
            raise SystemExit(f"autoproc: {type(error).__name__}: {error}; {stale}") from error
        raise
    finally:
        _is_program.reset(as_it_was)
