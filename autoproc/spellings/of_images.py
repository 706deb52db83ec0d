"""The parameters of DIALS of the steps from images to refined models."""

from __future__ import annotations

from autoproc.spellings.answers import BEST_OR_C, EXCLUDE, ONE_SCAN, RASTER, WORDS_AUTO
from autoproc.spellings.spelling import (
    Spelling,
    image_ranges,
    number_or,
    resolution_limits,
    several,
    split_in_two,
    word_for,
)

MODELS_AT_IMPORT = "give autoproc import the value instead: distance=MM beam_centre=FAST,SLOW wavelength=ANGSTROM"
OUTLIERS = {"auto": "mcd", "mcd": "mcd", "tukey": "tukey", "null": "none", "none": "none"}
DETECTOR_FIX = {"all": "detector", "distance": "distance", "orientation": "tilt"}
CRYSTAL_FIX = {"all": "orientation,cell", "cell": "cell", "orientation": "orientation"}

IMPORT = (
    Spelling("geometry.beam.wavelength", "import_sweep.wavelength"),
    Spelling("geometry.beam.polarization_normal", "import_sweep.polarization_normal"),
    Spelling("geometry.beam.polarization_fraction", "import_sweep.polarization_fraction"),
    Spelling("geometry.beam.direction", instead="give where it meets the detector: beam_centre="),
    Spelling("geometry.detector.distance", "import_sweep.distance"),
    Spelling("geometry.detector.fast_slow_beam_centre", "import_sweep.beam_centre", convert=several(2, (0, 1)),
             instead="give two numbers, fast and slow, px"),
    Spelling("geometry.detector.slow_fast_beam_centre", "import_sweep.beam_centre", convert=several(2, (1, 0)),
             instead="give two numbers, slow and fast, px"),
    Spelling("geometry.detector.mosflm_beam_centre",
             instead="MOSFLM gives x,y in mm, x along slow: give beam_centre=y/pixel,x/pixel (fast, slow; px)"),
    Spelling("geometry.detector.panel.gain", "import_sweep.gain"),
    Spelling("geometry.detector.panel.pixel_size", "import_sweep.pixel_size"),
    Spelling("geometry.detector.panel.trusted_range", "import_sweep.min_trusted,import_sweep.max_trusted",
             convert=split_in_two, instead="give two numbers, or min_trusted= and max_trusted="),
    *(Spelling(f"geometry.detector.{scope}.{name}", instead=MODELS_AT_IMPORT)
      for scope in ("panel", "hierarchy") for name in ("fast_axis", "slow_axis", "origin")),
    Spelling("geometry.goniometer.axis", "import_sweep.rotation_axis"),
    Spelling("geometry.goniometer.axes", "import_sweep.goniometer_axes"),
    Spelling("geometry.goniometer.angles", "import_sweep.goniometer_angles"),
    Spelling("geometry.goniometer.invert_rotation_axis", fine=("false",),
             instead="give the axis itself: rotation_axis=-1,0,0 where it was 1,0,0 (autoproc show prints it)"),
    Spelling("geometry.scan.image_range", "import_sweep.image_range"),
    Spelling("geometry.scan.oscillation", "import_sweep.oscillation"),
    Spelling("geometry.convert_stills_to_sequences", fine=("false",),
             instead="give the rotation that the headers lack: oscillation=START,WIDTH"),
    Spelling("geometry.convert_sequences_to_stills", fine=("false",),
             instead="stills are not processed here: use dials.stills_process"),
    Spelling("exclude_images", "import_sweep.exclude_images", convert=image_ranges, instead=EXCLUDE),
    Spelling("input.reference_geometry", instead=MODELS_AT_IMPORT, fine=("none",)),
    Spelling("input.allow_multiple_sequences", fine=("true",), instead="give the images of one sweep only"),
    Spelling("lookup.mask", instead=RASTER, fine=("none",)),
    Spelling("format.dynamic_shadowing", fine=("auto", "true", "false"),
             instead="shadows are found on the images: integrate.shadow.is_enabled"),
)  # fmt: skip

FIND_SPOTS = (
    Spelling("spotfinder.threshold.algorithm", "find_spots.algorithm",
             convert=word_for({"dispersion": "dispersion", "dispersion_extended": "dispersion_extended"}),
             instead="give algorithm=dispersion or dispersion_extended"),
    Spelling("spotfinder.threshold.dispersion.gain", "find_spots.gain"),
    Spelling("spotfinder.threshold.dispersion.kernel_size", "find_spots.kernel_size"),
    Spelling("spotfinder.threshold.dispersion.sigma_background", "find_spots.n_sigma_background"),
    Spelling("spotfinder.threshold.dispersion.sigma_strong", "find_spots.n_sigma_strong"),
    Spelling("spotfinder.threshold.dispersion.min_local", "find_spots.min_local"),
    Spelling("spotfinder.threshold.dispersion.global_threshold", "find_spots.global_threshold"),
    Spelling("spotfinder.filter.min_spot_size", "find_spots.min_spot_size", convert=number_or(auto="3")),
    Spelling("spotfinder.filter.max_spot_size", "find_spots.max_spot_size"),
    Spelling("spotfinder.filter.max_separation", "find_spots.max_separation"),
    Spelling("spotfinder.filter.max_strong_pixel_fraction", "find_spots.max_strong_pixel_fraction"),
    Spelling("spotfinder.filter.d_min", "find_spots.d_min"),
    Spelling("spotfinder.filter.d_max", "find_spots.d_max"),
    Spelling("spotfinder.filter.resolution_range", "find_spots.d_max,find_spots.d_min", convert=resolution_limits,
             instead="give d_max= and d_min="),
    Spelling("spotfinder.filter.ice_rings.filter", "find_spots.exclude_ice_rings"),
    Spelling("spotfinder.filter.untrusted.rectangle", "find_spots.exclude_regions"),
    *(Spelling(f"spotfinder.filter.untrusted.{shape}", instead=RASTER) for shape in ("circle", "polygon", "pixel")),
    Spelling("spotfinder.filter.border", instead=RASTER, fine=("0",)),
    Spelling("spotfinder.filter.spot_density.filter", fine=("false",), instead="give hot_pixel_fraction="),
    Spelling("spotfinder.filter.background_gradient.filter", fine=("false",), instead="give n_sigma_strong="),
    Spelling("spotfinder.lookup.mask", instead=RASTER, fine=("none",)),
    Spelling("spotfinder.scan_range", instead=ONE_SCAN, fine=("none",)),
    Spelling("spotfinder.region_of_interest", instead="leave the rest out: exclude_regions=", fine=("none",)),
    Spelling("spotfinder.force_2d", fine=("false",), instead="sweeps have spots over several images: leave it out"),
    Spelling("spotfinder.write_hot_mask", fine=("false",), instead="hot pixels are found by themselves, and said"),
    Spelling("maximum_trusted_value", "import_sweep.max_trusted"),
    Spelling("per_image_statistics", fine=("false", "true")),
    Spelling("output.shoeboxes", fine=("true",), instead="spots carry their pixels, which integration needs"),
)  # fmt: skip

SEARCH_BEAM = (
    Spelling("mm_search_scope", "search_beam.max_shift"),
    Spelling("max_cell", "search_beam.max_cell"),
    Spelling("max_reflections", instead="give spots_per_wedge= and n_wedges="),
    Spelling("image_range", instead="give n_wedges= and wedge=, parts of the scan that are used", fine=("none",)),
    Spelling("n_macro_cycles", instead="it is searched until nothing changes", fine=("1",)),
    Spelling("wide_search_binning", instead="give far_shift=, or 0 to stay near", fine=("2",)),
    Spelling("plot_search_scope", instead="its agreement is printed", fine=("false",)),
)  # fmt: skip

FIND_ROTATION_AXIS = (
    Spelling("view", instead="what was found is printed", fine=("false",)),
    Spelling("azimuth", instead="all directions are tried: leave it out", fine=("none",)),
    Spelling("global_search", instead="all directions are tried: leave it out", fine=("true",)),
    Spelling("opposite", instead="give autoproc import rotation_axis= with the other sign", fine=("false",)),
)  # fmt: skip

INDEX = (
    Spelling("indexing.known_symmetry.space_group", "index.space_group"),
    Spelling("indexing.known_symmetry.unit_cell", "index.unit_cell"),
    Spelling("indexing.method", "index.method",
             convert=word_for({name: name for name in ("fft1d", "fft3d", "real_space_grid_search")}),
             instead="give method=fft3d, fft1d or, for a known cell, real_space_grid_search"),
    Spelling("indexing.max_cell", "index.max_cell", convert=number_or(auto="none")),
    Spelling("indexing.min_cell", "index.min_cell"),
    Spelling("indexing.min_cell_volume", "index.min_volume"),
    Spelling("indexing.index_assignment.simple.hkl_tolerance", "index.tolerance"),
    Spelling("indexing.index_assignment.method", instead="give tolerance=", fine=("simple",)),
    Spelling("indexing.multiple_lattice_search.max_lattices", "index.max_lattices"),
    Spelling("indexing.multiple_lattice_search.minimum_angular_separation", "index.min_angular_separation"),
    Spelling("indexing.multiple_lattice_search.recycle_unindexed_reflections_cutoff",
             instead="searching ends when 90% of the spots are indexed; give max_lattices="),
    Spelling("indexing.refinement_protocol.n_macro_cycles", "index.n_macro_cycles"),
    Spelling("indexing.refinement_protocol.d_min_start", instead="give find-spots d_min=",
             fine=WORDS_AUTO),
    Spelling("indexing.fft3d.reciprocal_space_grid.d_min", "index.d_min", convert=number_or(auto="none")),
    Spelling("indexing.fft3d.reciprocal_space_grid.n_points", instead="give d_min= and max_cell=", fine=("256",)),
    Spelling("indexing.image_range", instead=ONE_SCAN, fine=("none",)),
    Spelling("indexing.joint_indexing", fine=("true",), instead="give the sweeps one by one"),
    Spelling("refinement.parameterisation.detector.fix", "index.refine_detector", convert=word_for({"all": "false"}),
             instead="index refines all of the detector or nothing (refine_detector=false): see autoproc refine"),
    Spelling("refinement.parameterisation.beam.fix", instead="the beam stays as it is until autoproc refine",
             fine=("all",)),
    Spelling("refinement.parameterisation.scan_varying", fine=("false", "auto"),
             instead="models vary over the scan in autoproc refine"),
)  # fmt: skip

BRAVAIS = (
    Spelling("lepage_max_delta", "bravais_settings.max_delta"),
    Spelling("best_monoclinic_beta", "bravais_settings.monoclinic_setting", convert=word_for(BEST_OR_C)),
    Spelling("cc_n_bins", instead="spots have no merged intensities: autoproc symmetry compares them", fine=("none",)),
    Spelling("refinement.reflections.outlier.algorithm", instead="it is as in autoproc index", fine=tuple(OUTLIERS)),
)  # fmt: skip

REINDEX = (
    Spelling("change_of_basis_op", "reindex.change_of_basis_op"),
    Spelling("space_group", "reindex.space_group"),
    Spelling("hkl_offset", fine=("none", "0,0,0"),
             instead="indices are off by one where the beam centre is wrong: search-beam-position, then index again"),
    Spelling("reference.experiments", instead="give the operator: change_of_basis_op=", fine=("none",)),
    Spelling("reference.reflections", instead="give the operator: change_of_basis_op=", fine=("none",)),
)  # fmt: skip

REFINE = (
    Spelling("refinement.parameterisation.scan_varying", "refine.scan_varying"),
    Spelling("refinement.parameterisation.detector.fix", "refine.fix", convert=word_for(DETECTOR_FIX),
             instead="give fix=detector, distance or tilt"),
    Spelling("refinement.parameterisation.beam.fix", "refine.fix", convert=word_for({"all": "beam"}),
             instead="the wavelength and the tilt in the plane of the spindle are always fixed; fix=beam fixes all",
             fine=("in_spindle_plane wavelength", "*in_spindle_plane *wavelength")),
    Spelling("refinement.parameterisation.crystal.fix", "refine.fix", convert=word_for(CRYSTAL_FIX),
             instead="give fix=orientation, cell or both"),
    Spelling("refinement.parameterisation.goniometer.fix", fine=("all",), instead="the goniometer stays as it is"),
    *(Spelling(f"refinement.parameterisation.crystal.{part}smoother.interval_width_degrees", "refine.interval_width")
      for part in ("", "unit_cell.", "orientation.")),
    *(Spelling(f"refinement.parameterisation.crystal.{part}.force_static", fine=("false",),
               instead="give scan_varying=false, or fix=cell") for part in ("unit_cell", "orientation")),
    Spelling("refinement.parameterisation.auto_reduction.min_nref_per_parameter",
             "refine.min_reflections_per_parameter"),
    Spelling("refinement.parameterisation.auto_reduction.action", fine=("fail", "fix", "remove")),
    Spelling("refinement.reflections.reflections_per_degree", "refine.reflections_per_degree",
             convert=number_or(auto="1000")),
    Spelling("refinement.reflections.outlier.algorithm", "refine.outliers", convert=word_for(OUTLIERS),
             instead="give outliers=mcd, tukey or none"),
    Spelling("refinement.reflections.outlier.mcd.threshold_probability", "refine.outlier_probability"),
    Spelling("refinement.reflections.outlier.block_width", "refine.outlier_block_width", convert=number_or(auto="18")),
    Spelling("refinement.reflections.close_to_spindle_cutoff", "refine.min_zeta"),
    Spelling("refinement.reflections.weighting_strategy.override", "refine.weighting",
             convert=word_for({"statistical": "statistical"}), instead="give weighting=statistical or rescaled"),
    Spelling("refinement.refinery.max_iterations", "refine.max_iterations", convert=number_or(none="30")),
    Spelling("n_static_macrocycles", fine=("1", "2", "3"), instead="static refinement ends where nothing changes"),
)  # fmt: skip
