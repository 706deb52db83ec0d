"""What contradicts itself in a file of observations is told, left out or refused; nothing is picked in silence."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from models_for_tests import crystal, scaled
from models_for_tests import experiment as small_experiment
from shelx_files import INS, shelx, some_rows
from xds_files import measured_sweep, write_correct, write_integrate

from autoproc.errors import CorruptFile
from autoproc.formats.cell_and_group import CellAgainstGroup
from autoproc.formats.observed.foreign_data import NO_WAVELENGTH
from autoproc.formats.observed.mtz import write_unmerged_mtz
from autoproc.formats.observed.read_shelx import read_shelx
from autoproc.formats.observed.read_unmerged_mtz import read_unmerged_mtz
from autoproc.formats.observed.read_xds_ascii import read_xds_ascii
from autoproc.formats.observed.xds_header import NOT_POLARISED, PLANE_ASSUMED
from autoproc.formats.observed.xds_inp import read_xds_inp, write_xds_inp
from autoproc.importing.overriding import standing_remarks
from autoproc.models.reflections import Flag
from autoproc.stages.merge import MergeParams, merge


@pytest.fixture(scope="module")
def sweep():
    return measured_sweep("P 21 21 21", (40.0, 50.0, 60.0, 90, 90, 90), d_min=6.0, n_images=60)


@pytest.fixture
def xds(tmp_path, sweep):
    """Writes a file of CORRECT, or of INTEGRATE, that was changed; reads it."""

    def read(*changes, write=write_correct):
        text = write(tmp_path / "XDS_ASCII.HKL", *sweep).read_text()
        for change in changes:
            changed = change(text)
            assert changed != text
            text = changed
        (tmp_path / "XDS_ASCII.HKL").write_text(text)
        return read_xds_ascii(tmp_path / "XDS_ASCII.HKL")

    return read


@pytest.fixture
def mtz(tmp_path, sweep):
    """Writes an unmerged file whose gemmi.Mtz was changed, and its rows, (N, columns); reads it."""

    def read(change=lambda made: None, rows=lambda rows, labels: rows, experiment=None):
        made, table = sweep
        path = tmp_path / "x.mtz"
        write_unmerged_mtz(path, [experiment or made], table.replace(qe=np.ones(len(table))), "x")
        content = gemmi.read_mtz_file(str(path))
        content.set_data(rows(np.array(content.array), content.column_labels()).astype(np.float32))
        change(content)
        content.write_to_file(str(path))
        return read_unmerged_mtz(path)

    return read


def used(data):
    return data.reflections.has_any_flag(Flag.INTEGRATED_SUM)


def data_lines(text):
    return [line for line in text.splitlines() if not line.startswith("!")]


# What is held twice


def test_sound_files_are_read_without_a_warning(xds, mtz, tmp_path):
    for data in (xds(), xds(write=write_integrate), mtz(), read_shelx(shelx(tmp_path, some_rows()))):
        assert data.warnings == ()
        assert used(data).all()


@pytest.mark.parametrize("write", [write_correct, write_integrate])
def test_a_file_of_xds_behind_itself_is_one_file(xds, write):
    once, twice = xds(write=write), xds(lambda text: text + text, write=write)
    n = len(once.reflections)
    assert len(twice.reflections) == n
    assert twice.warnings == (f"{n} records in the file twice or more, used once",)


def test_a_few_records_of_xds_twice(xds):
    def again(text):
        few = data_lines(text)[5:9]
        return text.replace("!END_OF_DATA", "\n".join([*few, "!END_OF_DATA"]))

    data = xds(again)
    assert data.warnings == ("4 records in the file twice or more, used once",)
    assert len(data.reflections) == len(xds().reflections)


def test_two_different_files_of_xds_in_one_are_refused(xds):
    with pytest.raises(CorruptFile, match="there is more behind its line"):
        xds(lambda text: text + text.replace("!STARTING_ANGLE= 0", "!STARTING_ANGLE= 9"))
    with pytest.raises(CorruptFile, match="there is more behind its line"):
        xds(lambda text: text + data_lines(text)[0] + "\n")


def test_one_place_with_two_intensities(xds):
    def change(text, n):
        lines = []
        for line in data_lines(text)[:n]:
            words = line.split()
            lines.append(" ".join([*words[:3], f"{2 * float(words[3]):.6E}", *words[4:]]))
        return text.replace("!END_OF_DATA", "\n".join([*lines, "!END_OF_DATA"]))

    data = xds(lambda text: change(text, 3))
    assert data.warnings[0].startswith("6 records at the place of another of the same index with another intensity")
    assert (~used(data)).sum() == 6
    with pytest.raises(CorruptFile, match="two files of one sweep in one"):
        xds(lambda text: change(text, 200))


def test_records_of_an_mtz_file_twice_leave_sigmas_as_they_are(tmp_path):
    made = crystal()
    write_unmerged_mtz(tmp_path / "x.mtz", [small_experiment(made)], scaled(made, d_min=6.0), "x")
    content = gemmi.read_mtz_file(str(tmp_path / "x.mtz"))
    once = read_unmerged_mtz(tmp_path / "x.mtz")
    content.set_data(np.repeat(np.array(content.array), 2, axis=0))
    content.write_to_file(str(tmp_path / "x.mtz"))
    twice = read_unmerged_mtz(tmp_path / "x.mtz")
    n = len(once.reflections)
    assert twice.warnings == (f"{n} records in the file twice or more, used once",)
    one, two = (merge(d.experiments, d.reflections, MergeParams()) for d in (once, twice))
    np.testing.assert_array_equal(one.sigma, two.sigma)
    np.testing.assert_array_equal(one.n, two.n)


def test_a_space_group_that_the_cell_cannot_have(xds, mtz, tmp_path, sweep):
    with pytest.raises(CellAgainstGroup, match=r"XDS_ASCII.HKL.*P 4 is tetragonal, and the cell 40 50 60 90 90 90"):
        xds(lambda text: text.replace("SPACE_GROUP_NUMBER= 19", "SPACE_GROUP_NUMBER= 75"))
    known = replace(sweep[0], crystal=replace(sweep[0].crystal, space_group=gemmi.SpaceGroup("P 6")))
    with pytest.raises(CellAgainstGroup, match=r"x\.mtz.*P 6 is hexagonal"):
        mtz(experiment=known)
    with pytest.raises(CellAgainstGroup, match=r"a\.hkl.*P 21/c is monoclinic"):
        read_shelx(shelx(tmp_path, some_rows(), INS.replace("90 98.3 90", "98.3 90 90")))


def test_indices_that_a_centred_lattice_has_not(mtz, sweep):
    known = replace(sweep[0], crystal=replace(sweep[0].crystal, space_group=gemmi.SpaceGroup("C 2 2 21")))
    data = mtz(experiment=known)
    n = int((sweep[1]["hkl"][:, :2].sum(axis=1) % 2).sum())
    assert data.warnings == (
        f"{n} of {len(sweep[1])} indices are none of C 2 2 21, whose lattice is centred: they are left out of what is "
        "merged; is the basis another one, or the lattice primitive?",
    )


# Headers


def test_cell_against_axes_in_a_header_of_xds(xds):
    data = xds(lambda text: text.replace("!UNIT_CELL_CONSTANTS= 40.0000", "!UNIT_CELL_CONSTANTS= 41.0000"))
    said = "UNIT_CELL_CONSTANTS are 41 50 60 90 90 90, and the axes in the same header make 40 50 60 90 90 90: the axes"
    assert data.warnings[0].startswith(said)
    assert data.experiments[0].crystal.cell[0] == pytest.approx(40.0, rel=1e-4)


def test_axes_that_are_rounded_are_not_another_cell(xds):
    def rounded(text):
        return "\n".join(
            " ".join([words[0], *(f"{float(w):.3f}" for w in words[1:])])
            if "-AXIS=" in line and "UNIT" in line
            else line
            for line in text.split("\n")
            for words in [line.split()]
        )

    data = xds(rounded)
    assert data.warnings == ()
    assert data.experiments[0].crystal.cell == pytest.approx((40, 50, 60, 90, 90, 90), abs=1e-4)


def test_wavelength_against_the_vector_of_the_beam(xds, sweep):
    wavelength = sweep[0].beam.wavelength

    def longer(by):
        def change(text):
            lines = text.split("\n")
            n = next(n for n, line in enumerate(lines) if line.startswith("!INCIDENT_BEAM_DIRECTION="))
            x, y, z = (float(w) * by for w in lines[n].split()[1:])
            lines[n] = f"!INCIDENT_BEAM_DIRECTION= {x:.6f} {y:.6f} {z:.6f}"
            return "\n".join(lines)

        return change

    unit = longer(1 + 1e-5)  # of length 1, or 1 over the wavelength, as XDS writes it
    assert xds(unit).warnings == ()
    (doubt,) = xds(longer(1.25)).warnings
    assert f"X-RAY_WAVELENGTH is {wavelength:.5f} A" in doubt
    assert f"{wavelength / 1.25:.5f} A: X-RAY_WAVELENGTH is taken" in doubt


def test_xds_inp_says_it_too(tmp_path, sweep):
    write_xds_inp(tmp_path / "XDS.INP", sweep[0])
    assert read_xds_inp(tmp_path / "XDS.INP").remarks == ()
    text = (tmp_path / "XDS.INP").read_text()
    (tmp_path / "XDS.INP").write_text(text.replace("UNIT_CELL_CONSTANTS= 40.0000", "UNIT_CELL_CONSTANTS= 44.0000"))
    (remark,) = read_xds_inp(tmp_path / "XDS.INP").remarks
    assert "the axes are taken" in remark
    no_normal = "\n".join(line for line in text.splitlines() if "POLARIZATION_PLANE" not in line)
    (tmp_path / "XDS.INP").write_text(no_normal)
    assert read_xds_inp(tmp_path / "XDS.INP").remarks == (f"assumed: {PLANE_ASSUMED}",)
    (tmp_path / "XDS.INP").write_text(no_normal.replace("FRACTION_OF_POLARIZATION", "!").replace("ROTATION_AXIS", "!"))
    read = read_xds_inp(tmp_path / "XDS.INP")
    assert read.remarks[0] == "assumed: ROTATION_AXIS is 1 0 0, as XDS takes it where it is not told"
    assert read.remarks[1:] == (f"assumed: {NOT_POLARISED}",)
    assert read.beam.polarization_fraction == 0.5
    assert standing_remarks(read.remarks, 0.99, None) == read.remarks[:1]
    (tmp_path / "XDS.INP").write_text(text.replace("SPACE_GROUP_NUMBER= 19", "SPACE_GROUP_NUMBER= 75"))
    with pytest.raises(CellAgainstGroup, match=r"XDS\.INP"):
        read_xds_inp(tmp_path / "XDS.INP")


def test_images_beyond_those_that_were_processed(xds):
    (doubt,) = xds(lambda text: text.replace("DATA_RANGE= 1 60", "DATA_RANGE= 1 30")).warnings
    assert "observations are on images beyond those of DATA_RANGE, 1 to 30" in doubt


def test_batch_headers_against_the_head_of_the_file(mtz):
    def other_cell(content):
        content.cell = gemmi.UnitCell(44, 50, 60, 90, 90, 90)

    def other_wavelength(content):
        content.datasets[-1].wavelength = 0.9

    assert "the cell is 44 50 60 90 90 90 by the head of the file and 40 50 60" in mtz(other_cell).warnings[0]
    (doubt,) = mtz(other_wavelength).warnings
    assert "the wavelength is 0.90000 A by the data set and 1.0" in doubt


def test_two_headers_of_one_batch(mtz):
    def again(content):
        content.batches.append(content.batches[3])

    def differently(content):
        again(content)
        floats = content.batches[-1].floats
        floats[36] = 90.0

    assert len(mtz(again).experiments) == 1
    with pytest.raises(CorruptFile, match="batch 4 has two headers, which differ"):
        mtz(differently)


NONSENSE = [("1e30", "far beyond"), ("NaN", "no number"), ("Inf", "no number"), ("-1e300", "far beyond")]


@pytest.mark.parametrize(("value", "said"), NONSENSE)
@pytest.mark.parametrize("write", [write_correct, write_integrate])
def test_absurd_intensities_of_xds(xds, value, said, write):
    def change(text):
        line = data_lines(text)[7]
        words = line.split()
        return text.replace(line, " ".join([*words[:3], value, *words[4:]]))

    data = xds(change, write=write)
    (doubt,) = data.warnings
    assert doubt.startswith("observations that are left out: 1 with")
    assert said in doubt
    assert np.flatnonzero(~used(data)).tolist() == [7]


@pytest.mark.parametrize(("value", "said"), [*NONSENSE[:3], ("0", "zero or less"), ("1e-30", "far below")])
def test_absurd_uncertainties_of_mtz(mtz, value, said):
    def change(rows, labels):
        for label in ("SIGI", "SIGIPR"):
            if label in labels:
                rows[5, labels.index(label)] = float(value)
        return rows

    data = mtz(rows=change)
    (doubt,) = data.warnings
    assert doubt.startswith("observations that are left out: 1 with")
    assert said in doubt
    assert (~data.reflections.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)).sum() == 1


def test_misfits_of_correct_are_counted(tmp_path, sweep):
    data = read_xds_ascii(write_correct(tmp_path / "x.HKL", *sweep, rejected=(3, 9)))
    assert "2 observations" in data.remarks[0]
    assert data.warnings == ()


# M/ISYM


@pytest.mark.parametrize("wrong", [99.0, 0.0, -3.0, 1.5, np.nan, 9.0])
def test_an_operation_that_the_group_has_not(mtz, wrong):
    def change(rows, labels):
        rows[::50, labels.index("M/ISYM")] = wrong
        return rows

    data = mtz(rows=change)
    (doubt,) = data.warnings
    n = len(range(0, len(data.reflections), 50))
    assert doubt.startswith(f"{n} records have an M/ISYM ({wrong:g}) that is no operation of the space group")
    assert (~data.reflections.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)).sum() == n


def test_none_that_it_has(mtz):
    with pytest.raises(CorruptFile, match="M/ISYM does not tell"):
        mtz(rows=lambda rows, labels: rows * np.where(np.array(labels) == "M/ISYM", 0, 1))


def in_parts(rows, labels, fraction):
    """One record in four as a part of which so much was recorded."""
    rows[::4, labels.index("M/ISYM")] += 256
    rows[::4, labels.index("FRACTIONCALC")] = fraction
    return rows


def test_parts_that_were_never_completed(mtz):
    data = mtz(rows=lambda rows, labels: in_parts(rows, labels, 0.5))
    n = len(range(0, len(data.reflections), 4))
    (doubt,) = data.warnings
    assert doubt.startswith(f"{n} of {n} observations in parts were never completed")
    assert mtz(rows=lambda rows, labels: in_parts(rows, labels, 0.97)).warnings == ()


def test_single_parts_of_which_nobody_says_how_much_they_are(mtz):
    def unnamed(content):
        content.column_with_label("FRACTIONCALC").label = "OTHER"

    data = mtz(unnamed, rows=lambda rows, labels: in_parts(rows, labels, 0.5))
    (doubt,) = data.warnings
    assert "have one part only, and no column FRACTIONCALC" in doubt


# Columns


def changed(label, rows_of, value):
    """A change of some rows of a column."""

    def change(rows, labels):
        rows[rows_of, labels.index(label)] = value
        return rows

    return change


@pytest.mark.parametrize("value", [0.0, -2.0, np.nan, np.inf, 1e30, 1e-30])
def test_scales_that_are_none(tmp_path, value):
    made = crystal()
    write_unmerged_mtz(tmp_path / "x.mtz", [small_experiment(made)], scaled(made, d_min=6.0), "x")
    content = gemmi.read_mtz_file(str(tmp_path / "x.mtz"))
    content.column_with_label("SCALEUSED").array[:4] = value
    content.write_to_file(str(tmp_path / "x.mtz"))
    data = read_unmerged_mtz(tmp_path / "x.mtz")
    assert data.warnings == ("observations that are left out: 4 with an impossible scale",)
    assert np.flatnonzero(data.reflections.has_flag(Flag.EXCLUDED_FOR_SCALING)).tolist() == [0, 1, 2, 3]
    assert not data.reflections.has_flag(Flag.OUTLIER_IN_SCALING).any()  # that would be a word for sound ones


def test_rotations_that_are_not_on_their_batch(mtz):
    data = mtz(rows=changed("ROT", slice(None, None, 6), 47.3))
    (doubt,) = data.warnings
    assert "records have a ROT that is not on the image of their batch: the batch is taken" in doubt


def test_rotations_a_turn_later_are_the_same(mtz):
    def later(rows, labels):
        rows[:, labels.index("ROT")] += 360
        return rows

    one, other = mtz(), mtz(rows=later)
    assert other.warnings == ()
    np.testing.assert_allclose(one.reflections["xyz_cal_px"], other.reflections["xyz_cal_px"], atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, 1.5, -3.0])
def test_fractions_that_are_no_part_of_one(mtz, value):
    (doubt,) = mtz(rows=changed("FRACTIONCALC", slice(0, 6), value)).warnings
    assert doubt.startswith("6 records have a FRACTIONCALC that is no part of 1")


def test_an_unknown_wavelength_is_said_to_be_assumed(mtz, xds):
    def untold(content):
        for dataset in content.datasets:
            dataset.wavelength = 0.0
        for batch in content.batches:
            batch.floats[86] = 0.0

    assert NO_WAVELENGTH in mtz(untold).assumed
    assert NO_WAVELENGTH not in mtz().assumed
    bare = xds(
        lambda text: "\n".join(line for line in text.split("\n") if "WAVELENGTH" not in line and "!NX=" not in line)
    )
    assert NO_WAVELENGTH in bare.assumed


def test_images_from_0_stay_so(tmp_path, sweep):
    made, table = sweep
    from_0 = replace(made, scan=replace(made.scan, image_range=(0, 59)))
    write_unmerged_mtz(tmp_path / "x.mtz", [from_0], table.replace(qe=np.ones(len(table))), "x")
    data = read_unmerged_mtz(tmp_path / "x.mtz")
    first, last = data.experiments[0].scan.image_range
    assert last - first == 59
    assert 0 <= first <= 1


def test_records_of_another_length_than_the_header_says(xds):
    with pytest.raises(CorruptFile, match="its header tells of 12 items in each record, and the first has 13"):
        xds(lambda text: text.replace("\n" + data_lines(text)[0], "\n" + data_lines(text)[0] + " 7"))


def test_observations_beside_the_detector(xds):
    (doubt,) = xds(lambda text: text.replace("!NX= ", "!NX= 300 OLD_NX= ")).warnings
    assert "observations are beside the detector of NX x NY pixels" in doubt
