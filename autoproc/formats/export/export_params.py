"""How to write what other programs read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autoproc.params import Params

Format = Literal["auto", "mtz", "xds_ascii", "shelx", "mmcif", "sca", "json", "pets", "xds"]


class ExportParams(Params):
    """How to write what other programs read."""

    format: Format = "auto"
    """mtz: unmerged, with batch headers; xds_ascii: XDS_ASCII.HKL for XSCALE, a file for each sweep; shelx: .hkl
    (HKLF 4) and .ins; mmcif: merged and unmerged, for deposition; sca: scalepack; json: reciprocal lattice points, for
    viewers; pets: .cif_pets with virtual frames, for Jana; xds: XDS.INP, of an
    .expt alone; auto: by the ending of the file to write, else mtz."""
    d_min: float | None = Field(None, gt=0)
    """High-resolution limit, Angstrom; none writes all."""
    composition: str = ""
    """What the cell holds, for shelx: a formula unit such as "C3 H7 N O2 S"; empty where it is not known."""
    z: int | None = Field(None, ge=1)
    """Formula units in the cell, for shelx; none takes as many as fit at 18 cubic Angstrom for an atom that is not
    hydrogen, a multiple of those that symmetry asks for."""
    anomalous: bool = True
    """Whether Friedel mates stay apart in sca, and are said to differ in xds_ascii."""
    unmerged: bool = False
    """Every observation with its original indices in sca, rather than merged ones."""
    pdb_version: Literal["v5", "v5_next"] = "v5_next"
    """Of the PDBx/mmCIF dictionary: v5 has unmerged data in _diffrn_refln alone; v5_next has them in
    _pdbx_diffrn_unmerged_refln too, with the scans and what the blocks are."""
    n_digits: int = Field(6, ge=1, le=15)
    """Decimals of the reciprocal lattice points in json, 1/Angstrom."""
    min_partiality: float = Field(0.99, ge=0, le=1)
    """Part of its rocking curve that a reflection in pets must have."""
    n_merged: int = Field(1, ge=1)
    """Images in a virtual frame of pets."""
    frame_step: int = Field(1, ge=1)
    """Images from one virtual frame of pets to the next."""
    max_excitation_error: float = Field(0.04, gt=0)
    """Distance from the Ewald sphere, 1/Angstrom, within which a reflection belongs to a virtual frame of pets."""
