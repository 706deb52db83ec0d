"""The formats in which data are exported: what each is called, what it needs, and what writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import Exported, NeedsScaledData
from autoproc.formats.export.write_mmcif import write_mmcif
from autoproc.formats.export.write_pets import write_pets
from autoproc.formats.export.write_rlp_json import write_rlp_json
from autoproc.formats.export.write_sca import write_sca
from autoproc.formats.export.write_shelx import write_shelx
from autoproc.formats.export.write_xds_ascii import write_xds_ascii
from autoproc.formats.observed.mtz import write_unmerged_mtz
from autoproc.formats.observed.xds_inp import write_xds_inp


@dataclass(frozen=True, slots=True)
class Writer:
    """One format.

    file : name of its file where none is given; its ending also tells the format
    of : the data that it takes: "models", "spots" of any stage, "integrated" or scaled ones, or only "scaled" ones
    merges : it holds merged data, where they are scaled
    of_one_wavelength : data of several go into a file each
    in_standard_setting : it tells the space group by its number, which means one setting
    of_one_lattice : it holds one lattice of each sweep
    write : to a path, returns the paths of all files written
    """

    file: str
    of: str
    merges: bool
    write: Callable[[Path, Exported, ExportParams], list[Path]]
    of_one_wavelength: bool = False
    in_standard_setting: bool = False
    of_one_lattice: bool = False

    @property
    def of_observations(self) -> bool:
        """It holds intensities, which are of one crystal form and all scaled or all not."""
        return self.of in ("integrated", "scaled")


def _write_mtz(path: Path, exported: Exported, _: ExportParams) -> list[Path]:
    write_unmerged_mtz(path, exported.experiments, exported.observations, exported.name)
    return [path]


def _write_xds_inp(path: Path, exported: Exported, _: ExportParams) -> list[Path]:
    """XDS.INP of each sweep, in folders 1, 2, ... where there are several: XDS takes the one where it works."""
    n = len(exported.experiments)
    paths = [path] if n == 1 else [path.parent / str(k + 1) / path.name for k in range(n)]
    for own, experiment in zip(paths, exported.experiments, strict=True):
        own.parent.mkdir(exist_ok=True)
        write_xds_inp(own, experiment)
    return paths


WRITERS = {
    "mtz": Writer("unmerged.mtz", "integrated", False, _write_mtz),
    "xds_ascii": Writer("XDS_ASCII.HKL", "integrated", False, write_xds_ascii, in_standard_setting=True),
    "shelx": Writer("scaled.hkl", "scaled", False, write_shelx, of_one_wavelength=True),
    "mmcif": Writer("reflections.cif", "integrated", True, write_mmcif, of_one_wavelength=True),
    "sca": Writer("scaled.sca", "scaled", True, write_sca, of_one_wavelength=True),
    "json": Writer("rlp.json", "spots", False, write_rlp_json),
    "xds": Writer("XDS.INP", "models", False, _write_xds_inp, in_standard_setting=True, of_one_lattice=True),
    "pets": Writer("dyn.cif_pets", "integrated", False, write_pets),
}
ENDINGS = {Path(writer.file).suffix: name for name, writer in WRITERS.items()}
"""The format that an ending means; .HKL is of XDS, .hkl of SHELX."""


def chosen_format(asked: str, file: Path | None) -> str:
    """The format that was asked for; that of the file's ending, or mtz, where none was."""
    if asked != "auto":
        return asked
    return ENDINGS.get(file.suffix, "mtz") if file is not None else "mtz"


def require_scaled(name: str, columns: Sequence[str]) -> None:
    """Raise NeedsScaledData where a format takes scaled data and the reflections are not."""
    if WRITERS[name].of == "scaled" and "inverse_scale" not in columns:
        raise NeedsScaledData(format=name)
