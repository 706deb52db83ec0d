"""The configuration: one table for each stage, from TOML and from the command line."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from autoproc.anisotropy.params import AnisotropyParams
from autoproc.beam_search.params import FindRotationAxisParams, SearchBeamParams
from autoproc.combining.params import CombineParams
from autoproc.damage.params import DamageParams
from autoproc.dashboard.params import ServeParams
from autoproc.decisions.params import DecisionParams
from autoproc.errors import ConfigurationError
from autoproc.formats.boundary import LONGEST_REASON
from autoproc.formats.export.export_params import ExportParams
from autoproc.importing.params import ImportParams
from autoproc.indexing.params import IndexParams
from autoproc.integration.params import IntegrateParams
from autoproc.merging.params import EstimateResolutionParams, MergeParams
from autoproc.overrides import UnknownParameter, add, suggestion, with_overrides
from autoproc.params import Params, meanings
from autoproc.recording.params import RecordParams
from autoproc.refinement.params import RefineParams
from autoproc.scaling.params import ScaleParams
from autoproc.service.groups.params import GroupParams
from autoproc.service.notices.params import NoticeParams
from autoproc.service.params import ServiceParams
from autoproc.service.visits.params import VisitParams
from autoproc.service.watching.params import WatchParams
from autoproc.spellings.translation import own_changes
from autoproc.spot_finding.params import FindSpotsParams
from autoproc.symmetry.bravais_params import BravaisParams
from autoproc.symmetry.params import SymmetryParams
from autoproc.symmetry.reindex_params import ReindexParams

USUAL_TABLE = {
    "d_min": "scale", "d_max": "scale", "anomalous": "scale", "space_group": "index",
    "exclude_images": "import_sweep", "cc_half": "estimate_resolution", "misigma": "estimate_resolution",
}  # fmt: skip
"""What a user means who names no table: the limits of the data; what is known from the start."""


class RunParams(Params):
    """The program as a whole."""

    n_threads: int = Field(0, ge=0)
    """Threads to work with; 0 means every core that the process may use."""
    frame_cache: int = Field(320, ge=0)
    """Megabytes of images, as their files hold them, kept in memory for their second and third reading; the others
    are read again, from the disk or what the system keeps of it. More pays where that is slow; from a local disk 600
    images of 2.5 million pixels, 1.5 GB, took as long with 0 (49 s) as with 320 (51 s)."""
    resolution_cutoff: bool = True
    """Cut the merged data where CC1/2 falls below estimate_resolution.cc_half, and scale again to there;
    false keeps everything. scale.d_min, where given, is obeyed instead."""


class BadConfiguration(ConfigurationError):
    """A configuration file that is not TOML."""

    what = "{path} is not valid TOML: {reason}"
    hint = "`autoproc config` prints a complete file to start from"


class UnreadableConfiguration(ConfigurationError):
    """A configuration file that is not there or not for this user."""

    what = "the configuration {path} cannot be read ({reason})"
    hint = "`autoproc config` prints a complete file to start from"


MOST_BYTES = 1 << 20
"""Of a configuration file: every parameter with its description takes a twentieth of it."""


class Config(Params):
    """Every parameter of the program."""

    run: RunParams = RunParams()
    watch: WatchParams = WatchParams()
    service: ServiceParams = ServiceParams()
    record: RecordParams = RecordParams()
    serve: ServeParams = ServeParams()
    groups: GroupParams = GroupParams()
    visit: VisitParams = VisitParams()
    notices: NoticeParams = NoticeParams()
    decisions: DecisionParams = DecisionParams()
    import_sweep: ImportParams = ImportParams()
    find_spots: FindSpotsParams = FindSpotsParams()
    search_beam: SearchBeamParams = SearchBeamParams()
    find_rotation_axis: FindRotationAxisParams = FindRotationAxisParams()
    index: IndexParams = IndexParams()
    bravais_settings: BravaisParams = BravaisParams()
    refine: RefineParams = RefineParams()
    integrate: IntegrateParams = IntegrateParams()
    symmetry: SymmetryParams = SymmetryParams()
    combine: CombineParams = CombineParams()
    scale: ScaleParams = ScaleParams()
    estimate_resolution: EstimateResolutionParams = EstimateResolutionParams()
    damage_analysis: DamageParams = DamageParams()
    anisotropy: AnisotropyParams = AnisotropyParams()
    merge: MergeParams = MergeParams()
    reindex: ReindexParams = ReindexParams()
    export: ExportParams = ExportParams()


def read_config(path: Path | None) -> Config:
    """The configuration of a TOML file; defaults without one. Raises ConfigurationError."""
    if path is None:
        return Config()
    try:
        content = tomllib.loads(_text_of(path))
    except OSError as error:
        raise UnreadableConfiguration(path=path, reason=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise BadConfiguration(path=path, reason="it is not UTF-8") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, numbers of thousands of digits, tables in tables
        raise BadConfiguration(path=path, reason=str(error)[:LONGEST_REASON]) from error
    config = Config()
    for name, values in content.items():
        if not isinstance(values, dict):
            raise UnknownParameter(key=name, suggestion=f"parameters stand in tables such as [{_owner(name)}]")
        config = change_table(config, name, values)
    return config


def _text_of(path: Path) -> str:
    """The content of a configuration file. Raises UnreadableConfiguration for what is none: it might never end."""
    if stat.S_ISFIFO(path.stat().st_mode):
        raise UnreadableConfiguration(path=path, reason="it is a pipe, not a file")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadConfiguration(path=path, reason=f"it has more than {MOST_BYTES} bytes, as no configuration has")
    return content.decode("utf-8")


def change_table(config: Config, name: str, values: Mapping[str, Any]) -> Config:
    """The same configuration with some parameters of one table changed."""
    if name not in Config.model_fields:
        raise UnknownParameter(key=f"[{name}]", suggestion=suggestion(name, Config.model_fields))
    table = with_overrides(getattr(config, name), values, name)
    return config.model_copy(update={name: table})


def with_command_line(config: Config, overrides: Mapping[str, str]) -> Config:
    """Apply key=value: `index.max_lattices=2`, or `max_lattices=2` where one table alone has that key.

    Of keys that several tables have, USUAL_TABLE says which is meant where none is named. What is not ours is taken for
    a parameter of DIALS: `prediction.d_min=1.8`.
    """
    changes: dict[str, str] = {}
    for key, value in overrides.items():
        owners = [] if "." in key else [n for n, p in tables(config) if key in type(p).model_fields]
        if key in USUAL_TABLE:
            owners = [USUAL_TABLE[key]]
        if len(owners) > 1:
            raise UnknownParameter(key=key, suggestion=f"say which: {', '.join(f'{o}.{key}' for o in owners)}")
        for own, text in own_changes(f"{owners[0]}.{key}" if owners else key, value, fields_of_tables()).items():
            add(changes, own, text)
    return with_changes(config, changes)


def with_changes(config: Config, changes: Mapping[str, str]) -> Config:
    """Apply values by table.field; those of a table together, as some are possible only with others of it."""
    by_table: dict[str, dict[str, str]] = {}
    for name, value in changes.items():
        table, _, field = name.partition(".")
        by_table.setdefault(table, {})[field] = value
    for table, values in by_table.items():
        config = change_table(config, table, values)
    return config


def fields_of_tables() -> dict[str, tuple[str, ...]]:
    """The names of the fields of every table."""
    return {name: tuple(type(params).model_fields) for name, params in tables(Config())}


def with_threads(config: Config, n_threads: int | None) -> Config:
    """The same configuration on so many threads; None changes nothing."""
    return config if n_threads is None else change_table(config, "run", {"n_threads": n_threads})


def tables(config: Config) -> Iterator[tuple[str, Params]]:
    """Every table with its name."""
    for name in Config.model_fields:
        yield name, getattr(config, name)


def _owner(key: str) -> str:
    return next((n for n, p in tables(Config()) if key in type(p).model_fields), "index")


def format_config(config: Config, only: str | None = None) -> str:
    """The configuration as annotated TOML; a parameter without a value is commented out.

    only : one table's name; None prints all
    """
    lines: list[str] = []
    for name, params in tables(config):
        if only in (None, name):
            lines += table_lines(name, params)
    return "\n".join(lines)


def table_lines(name: str, params: Params) -> list[str]:
    """A table, and below it the tables within it."""
    lines = [f"# {line}" for line in (type(params).__doc__ or "").strip().splitlines()[:1]]
    lines.append(f"[{name}]")
    inner: list[str] = []
    meaning = meanings(type(params))
    for field in type(params).model_fields:
        value = getattr(params, field)
        if isinstance(value, Params):
            inner += table_lines(f"{name}.{field}", value)
            continue
        lines += [f"# {line}" for line in _wrapped(meaning.get(field, ""))]
        lines.append(f"# {field} = (none)" if value is None else f"{field} = {_toml(value)}")
    return [*lines, "", *inner]


def _wrapped(text: str, width: int = 100) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line] if line else lines


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return repr(value)
