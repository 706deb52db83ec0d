"""The steps that are subcommands, in the order of a processing: known without loading any of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepDescription:
    """One step.

    name : of the subcommand; function : in commands.stages
    table : of the configuration, "" for a step without parameters; files : example of its input
    brief : its purpose in a few words, for the list of commands; help : the same at length
    writes : name of the one file that it writes, "" for steps that write .expt and .refl files
    endings : of names that -o may give that file
    also : a second table whose parameters it takes
    """

    name: str
    function: str
    table: str
    files: str
    brief: str
    help: str
    writes: str = ""
    endings: tuple[str, ...] = ()
    also: str = ""

    @property
    def help_text(self) -> str:
        """What --help shows."""
        return f"{self.help}\n\n{self._example}{self._parameters}"

    @property
    def _example(self) -> str:
        return f"For example: autoproc {self.name} {self.files}\n\n"

    @property
    def _parameters(self) -> str:
        if not self.table:
            return "This step has no parameters.\n"
        return f"Parameters, with their meanings and defaults: autoproc config {self.table}\n"


STEPS = (
    StepDescription(
        "import",
        "import_step",
        "import_sweep",
        "images/lysozyme_00001.cbf",
        "Read the headers of images.",
        "Read the headers of images and write imported.expt.\n\n"
        "Give image files, a folder, a template with # for the digits of the counter, a NeXus or DECTRIS "
        "master file, or XDS.INP. What the headers have wrong can be put right: beam_centre=254.8,291.8 distance=200 "
        "wavelength=0.98 image_range=1,900.",
    ),
    StepDescription(
        "find-spots",
        "find_spots_step",
        "find_spots",
        "imported.expt",
        "Find the spots on the images.",
        "Find the spots on the images and write strong.refl.",
    ),
    StepDescription(
        "search-beam-position",
        "search_beam_step",
        "search_beam",
        "imported.expt strong.refl",
        "Search for the direct beam's position.",
        "Search for the direct beam's position from the spots and write optimised.expt.\n\n"
        "Only for a header that is wrong: a good one is made worse by the search's own error.",
    ),
    StepDescription(
        "find-rotation-axis",
        "find_rotation_axis_step",
        "find_rotation_axis",
        "imported.expt strong.refl",
        "Find the direction of the rotation axis.",
        "Find the direction of the rotation axis from the spots and write optimised.expt.\n\n"
        "For a header that may be wrong: its axis stands where no other is clearly better.",
    ),
    StepDescription(
        "index",
        "index_step",
        "index",
        "imported.expt strong.refl",
        "Find the lattices that explain the spots.",
        "Find the lattice, or several, that explain the spots and write indexed.expt and indexed.refl.\n\n"
        "A triclinic cell by default; unit_cell=78,78,38,90,90,90 space_group=P43212 where they are known, "
        "max_lattices=2 where there is more than one.",
    ),
    StepDescription(
        "bravais-settings",
        "bravais_settings_step",
        "bravais_settings",
        "indexed.expt indexed.refl",
        "Compare the lattice symmetries of the cell.",
        "Refine the crystal in every lattice symmetry that its cell allows, and compare them in a table.\n\n"
        "Writes bravais_setting_N.expt for each.",
    ),
    StepDescription(
        "reindex",
        "reindex_step",
        "reindex",
        "indexed.expt indexed.refl change_of_basis_op=b+c,a+c,a+b space_group=I23",
        "Change the basis of crystals and reflections.",
        "Change the basis of crystals and reflections and write reindexed.expt and reindexed.refl.",
    ),
    StepDescription(
        "refine",
        "refine_step",
        "refine",
        "indexed.expt indexed.refl",
        "Refine detector, beam and crystal.",
        "Refine detector, beam and crystal and write refined.expt and refined.refl.\n\n"
        "At first the models are the same for all images, then they vary over the scan.",
    ),
    StepDescription(
        "integrate",
        "integrate_step",
        "integrate",
        "refined.expt refined.refl",
        "Measure the intensity of every reflection.",
        "Measure the intensity of every reflection that the models predict; write integrated.expt and .refl.",
    ),
    StepDescription(
        "symmetry",
        "symmetry_step",
        "symmetry",
        "integrated.expt integrated.refl",
        "Determine the Laue group and the space group.",
        "Determine the Laue group and the space group, reindex to it; write symmetrized.expt and .refl.\n\n"
        "XDS_ASCII.HKL, INTEGRATE.HKL, unmerged MTZ and SHELX files are taken as well.",
    ),
    StepDescription(
        "combine",
        "combine_step",
        "combine",
        "integrated_1.expt integrated_2.expt integrated_1.refl integrated_2.refl",
        "Bring several data sets into one setting.",
        "Bring data sets of several crystals into one setting; write combined.expt, .refl and .html.\n\n"
        "Data sets whose cells or intensities do not agree with the others are set aside, each with its reason. "
        "The symmetry is determined from those left; parameters of the table symmetry hold too: space_group=P63.",
        also="symmetry",
    ),
    StepDescription(
        "scale",
        "scale_step",
        "scale",
        "symmetrized.expt symmetrized.refl",
        "Put all observations on one scale.",
        "Put all observations on one scale and write scaled.expt and scaled.refl.\n\n"
        "Scale, decay, absorption, error model, outliers. Files of XDS, unmerged MTZ and SHELX are taken as well. "
        "Often changed: anomalous=true absorption_level=medium d_min=1.6",
    ),
    StepDescription(
        "estimate-resolution",
        "estimate_resolution_step",
        "estimate_resolution",
        "scaled.expt scaled.refl",
        "Say how far scaled data are useful.",
        "Say how far scaled data are useful: where the fitted CC1/2 falls to cc_half=0.3.",
    ),
    StepDescription(
        "damage-analysis",
        "damage_analysis_step",
        "damage_analysis",
        "scaled.expt scaled.refl",
        "Say what radiation did to the crystal.",
        "Say what radiation did to the crystal: Rd, Rcp, Scp, completeness, decay and cell against dose; write "
        "damage.html.\n\n"
        "Dose is counted in images; dose_rate=0.5 (a second) or dose_per_image=0.1 give it in any unit. Doses of "
        "several sweeps of one crystal add up; crystals= says which are.",
    ),
    StepDescription(
        "anisotropy",
        "anisotropy_step",
        "anisotropy",
        "scaled.expt scaled.refl",
        "Say how far the data go in each direction.",
        "Say how far scaled data go in each direction, and write what lies within: merged_anisotropic.mtz.\n\n"
        "Scale without d_min before. Often changed: cc_half=0.3",
        "merged_anisotropic.mtz",
        (".mtz",),
        also="merge",
    ),
    StepDescription(
        "merge",
        "merge_step",
        "merge",
        "scaled.expt scaled.refl",
        "Merge scaled reflections.",
        "Merge scaled reflections, with French-Wilson amplitudes and free-R flags; write merged.mtz.\n\n"
        "Flags are new, and the same for every crystal of a form, or those of reference=earlier.mtz (or .cif).",
        "merged.mtz",
        (".mtz",),
    ),
    StepDescription(
        "export",
        "export_step",
        "export",
        "scaled.expt scaled.refl",
        "Write observations for other programs.",
        "Write observations for other programs: an unmerged MTZ with batch headers, or another format.\n\n"
        "format=xds_ascii for XSCALE, shelx (.hkl and .ins), mmcif for deposition, sca, "
        "json (reciprocal lattice points), pets, xds (XDS.INP of an .expt); or name the file, -o lyso.cif. "
        "mmcif and sca have merged data too.",
        "unmerged.mtz",
        (".mtz", ".HKL", ".hkl", ".cif", ".sca", ".json", ".cif_pets", ".INP"),
        also="merge",
    ),
)

DIALS_NAMES = {
    "refine-bravais-settings": "bravais-settings",
    "search-beam-centre": "search-beam-position",
    "discover-better-experimental-model": "search-beam-position",
    "resolutionizer": "estimate-resolution",
    "cosym": "combine",
    "image-viewer": "view",
}

VIEWERS = ("reciprocal-lattice-viewer",)
"""Commands that show files, called as DIALS calls them."""


def command_name(name: str) -> str:
    """A command's own name for any spelling of it: find_spots, dials.find_spots, refine_bravais_settings."""
    own = name.removeprefix("dials.").replace("_", "-")
    return DIALS_NAMES.get(own, own)


def table_name(name: str) -> str:
    """The table of the configuration for a name, which may also be the command's: find-spots, import."""
    tables = {step.name: step.table for step in STEPS if step.table}
    return tables.get(command_name(name), name.replace("-", "_"))
