"""`autoproc view`: images in the browser, with what was found on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoproc.commands.leaving import leaving_well
from autoproc.commands.show_files import show_files
from autoproc.config import Config, with_command_line
from autoproc.formats.confinement import may_lead_into
from autoproc.overrides import split_arguments
from autoproc.viewing.subject import subject_of_files


def view_command(arguments: Sequence[str]) -> None:
    """Show the images of files until Ctrl-C."""
    with leaving_well():
        files, changes = split_arguments(arguments)
        config = with_command_line(Config(), changes)
        may_lead_into(config.import_sweep.link_roots)
        subject = subject_of_files([Path(file) for file in files])
        for stage in subject.stages:
            subject.experiments(stage)  # what is wrong with the files is said here
        show_files(subject, "images", config.serve, own_port="serve.port" in changes)
