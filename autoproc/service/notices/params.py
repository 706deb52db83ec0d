"""When the staff is told that something is wrong, and how."""

from __future__ import annotations

from string import Formatter

from pydantic import Field, field_validator

from autoproc.params import Params

Command = tuple[str, ...]
TOLD = ("what", "state", "text", "output")
"""What a notice's command may hold between braces."""


class NoticeParams(Params):
    """Notices to the staff: when something is wrong, once as it begins and once when it is over."""

    command: Command = ()
    """A command to run for each notice, a list of arguments (no shell) in which {what} (late, beam, queue, disk,
    failures, or several), {state} (begins, over), {text} and {output} are filled in."""
    mail_to: tuple[str, ...] = ()
    """Addresses that get each notice by mail."""
    mail_from: str = "autoproc@localhost"
    """Address that such mail comes from."""
    mail_server: str = Field("localhost:25", pattern=r"^[^\s:/]+:\d{1,5}$")
    """Where mail is handed in (SMTP), as HOST:PORT: a server that takes it without a password."""
    webhook: str = Field("", pattern=r"^(https?://\S+)?$")
    """Address that each notice is posted to, as JSON with what, state, text, output and host; text alone is what
    Slack, Mattermost and others show."""
    most_an_hour: int = Field(10, ge=1)
    """Notices sent in an hour at most. What comes beyond is kept, and sent together as soon as there is room."""
    settled_for: float = Field(60.0, ge=0)
    """Seconds that something must be over before that is said, so that what comes and goes is told once."""
    time_limit: float = Field(30.0, gt=0)
    """Seconds after which sending a notice is given up; processing goes on meanwhile and after."""
    images_late: float = Field(120.0, ge=0)
    """Tell when no image has come for so many seconds of a sweep that lacks some; 0: never."""
    beam_off: int = Field(2, ge=0)
    """Tell when so many sweeps in a row had no beam on a tenth of their images or more, or not one spot; 0: never."""
    queue_long: int = Field(50, ge=0)
    """Tell when more sweeps than this wait; 0: never."""
    disk_free: float = Field(0.05, ge=0, lt=1)
    """Tell when less than this part of a disk is free, of that of the results and those that are watched; 0: never."""
    failures_in_row: int = Field(5, ge=0)
    """Tell when so many sweeps in a row have failed or were set aside; 0: never."""

    @field_validator("command")
    @classmethod
    def _can_be_filled_in(cls, command: Command) -> Command:
        for argument in command:
            unknown = {field for _, field, _, _ in Formatter().parse(argument) if field is not None} - set(TOLD)
            if unknown:
                raise ValueError(f"{', '.join(sorted(unknown))} is unknown; there are {', '.join(TOLD)}")
        return command

    @field_validator("mail_to", "mail_from")
    @classmethod
    def _is_address(cls, given: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for one in (given,) if isinstance(given, str) else given:
            if "@" not in one or not one.isprintable() or any(letter in one for letter in " ,;<>"):
                raise ValueError(f"{one!r} is no address; write name@host")
        return given

    @property
    def is_wanted(self) -> bool:
        """Somebody is to be told."""
        return bool(self.command or self.mail_to or self.webhook)
