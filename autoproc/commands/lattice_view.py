"""`autoproc reciprocal-lattice-viewer`: the spots of some files in reciprocal space, in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoproc.commands.leaving import leaving_well
from autoproc.commands.show_files import show_files
from autoproc.config import Config, with_command_line
from autoproc.errors import WrongArguments
from autoproc.overrides import split_arguments
from autoproc.viewing.subject import subject_of_files


def lattice_view_command(arguments: Sequence[str]) -> None:
    """Show the reciprocal lattice of files until Ctrl-C."""
    with leaving_well():
        files, changes = split_arguments(arguments)
        subject = subject_of_files([Path(file) for file in files])
        if not subject.tables:
            raise WrongArguments(
                what_is_wrong="a reciprocal lattice is made of spots: give a .refl file with its .expt file",
                command="reciprocal-lattice-viewer",
            )
        for stage in subject.tables:
            subject.reflections(stage)  # what is wrong with them is said here
        show_files(subject, "lattice", with_command_line(Config(), changes).serve, own_port="serve.port" in changes)
