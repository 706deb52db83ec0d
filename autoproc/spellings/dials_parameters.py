"""The parameters of DIALS that people give, by the step of ours that does what the program does.

As DIALS 3.12 and 3.30 have them; docs/from_dials.md is made from these.
"""

from __future__ import annotations

from autoproc.spellings.spelling import (
    THREADS,
    Spelling,
    chosen,
    image_ranges,
    limits,
    number_or,
    one_in,
    several,
    split_in_two,
)

MODELS_AT_IMPORT = "give autoproc import the value instead: distance=MM beam_centre=FAST,SLOW wavelength=ANGSTROM"
ITS_OWN_PAGE = "`autoproc report` draws the page from the .expt and .refl files that were written"
THREADS_OF_ONE_PROGRAM = "one program uses all cores of one machine: --threads N, or run.n_threads=N, sets how many"
CLUSTER = "autoproc runs on one machine, in threads (--threads N); give each job of a cluster its own sweep"
ONE_SCAN = "give autoproc import the part to use: image_range=FIRST,LAST"
EXCLUDE = "give numbers and ranges: exclude_images=7,20-25, or 0:20:25; of several sweeps each is imported by itself"
RASTER = 'rectangles are masked: mask="x0,y0,x1,y1;..." of autoproc import; other shapes by rectangles within'
AUTOMATIC = "it is chosen from the data"
WORDS_AUTO = ("auto", "none")
OUTLIERS = {"auto": "mcd", "mcd": "mcd", "tukey": "tukey", "null": "none", "none": "none"}
DETECTOR_FIX = {"all": "detector", "distance": "distance", "orientation": "tilt"}
CRYSTAL_FIX = {"all": "orientation,cell", "cell": "cell", "orientation": "orientation"}
BEST_OR_C = {"true": "best", "false": "C2"}

NPROC = number_or(auto="0", none="0")
ANY_STEP = (
    Spelling("nproc", THREADS, convert=NPROC),
    Spelling("mp.nproc", THREADS, convert=NPROC),
    Spelling("njobs", instead=CLUSTER, fine=("1", "none")),
    Spelling("mp.method", instead=CLUSTER, fine=("none", "multiprocessing")),
    Spelling("output.html", instead=ITS_OWN_PAGE, fine=WORDS_AUTO),
    Spelling("output.json", instead="`autoproc run` writes summary.json for programs", fine=WORDS_AUTO),
    Spelling("seed", instead="nothing is left to chance: the same input gives the same result", fine=WORDS_AUTO),
)
"""What every program has, or what means the same in all."""

WHERE_FILES_GO = tuple(
    Spelling(f"output.{name}", instead="files have names of their own here, in the folder --output FOLDER")
    for name in ("experiments", "reflections", "log", "mtz", "unmerged_mtz", "merged_mtz", "prefix", "directory")
)
"""Where a step does not write such a file; names of those that it writes are taken before."""

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
             convert=chosen({"dispersion": "dispersion", "dispersion_extended": "dispersion_extended"}),
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
    Spelling("spotfinder.filter.resolution_range", "find_spots.d_max,find_spots.d_min", convert=limits,
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
             convert=chosen({name: name for name in ("fft1d", "fft3d", "real_space_grid_search")}),
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
    Spelling("refinement.parameterisation.detector.fix", "index.refine_detector", convert=chosen({"all": "false"}),
             instead="index refines all of the detector or nothing (refine_detector=false): see autoproc refine"),
    Spelling("refinement.parameterisation.beam.fix", instead="the beam stays as it is until autoproc refine",
             fine=("all",)),
    Spelling("refinement.parameterisation.scan_varying", fine=("false", "auto"),
             instead="models vary over the scan in autoproc refine"),
)  # fmt: skip

BRAVAIS = (
    Spelling("lepage_max_delta", "bravais_settings.max_delta"),
    Spelling("best_monoclinic_beta", "bravais_settings.monoclinic_setting", convert=chosen(BEST_OR_C)),
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
    Spelling("refinement.parameterisation.detector.fix", "refine.fix", convert=chosen(DETECTOR_FIX),
             instead="give fix=detector, distance or tilt"),
    Spelling("refinement.parameterisation.beam.fix", "refine.fix", convert=chosen({"all": "beam"}),
             instead="the wavelength and the tilt in the plane of the spindle are always fixed; fix=beam fixes all",
             fine=("in_spindle_plane wavelength", "*in_spindle_plane *wavelength")),
    Spelling("refinement.parameterisation.crystal.fix", "refine.fix", convert=chosen(CRYSTAL_FIX),
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
    Spelling("refinement.reflections.outlier.algorithm", "refine.outliers", convert=chosen(OUTLIERS),
             instead="give outliers=mcd, tukey or none"),
    Spelling("refinement.reflections.outlier.mcd.threshold_probability", "refine.outlier_probability"),
    Spelling("refinement.reflections.outlier.block_width", "refine.outlier_block_width", convert=number_or(auto="18")),
    Spelling("refinement.reflections.close_to_spindle_cutoff", "refine.min_zeta"),
    Spelling("refinement.reflections.weighting_strategy.override", "refine.weighting",
             convert=chosen({"statistical": "statistical"}), instead="give weighting=statistical or rescaled"),
    Spelling("refinement.refinery.max_iterations", "refine.max_iterations", convert=number_or(none="30")),
    Spelling("n_static_macrocycles", fine=("1", "2", "3"), instead="static refinement ends where nothing changes"),
)  # fmt: skip

INTEGRATE = (
    Spelling("prediction.d_min", "integrate.d_min"),
    Spelling("prediction.d_max", instead="give scale d_max=", fine=("none",)),
    Spelling("integration.profile.fitting", "scale.intensity_choice", convert=chosen({"false": "sum"}), fine=("true",)),
    Spelling("integration.profile.valid_foreground_threshold", "integrate.min_valid_fraction"),
    *(Spelling(f"integration.background.{model}.min_pixels", "integrate.min_background_pixels")
      for model in ("simple", "glm", "gmodel")),
    Spelling("integration.background.algorithm", fine=("auto", "glm", "simple"),
             instead="the background is a robust plane under each reflection: leave it out"),
    Spelling("integration.mp.njobs", instead=CLUSTER, fine=("1",)),
    Spelling("integration.block.size", "integrate.block_width", convert=number_or(auto="5")),
    Spelling("integration.lookup.mask", instead=RASTER, fine=("none",)),
    Spelling("integration.use_dynamic_mask", "integrate.shadow.is_enabled"),
    Spelling("integration.summation.detector_gain", "import_sweep.gain"),
    Spelling("integration.filter.min_zeta", instead="give max_rotation=, degrees in diffracting position"),
    Spelling("integration.filter.ice_rings", fine=("false",), instead="rings of ice are reported"),
    Spelling("profile.gaussian_rs.parameters.n_sigma", "integrate.n_sigma"),
    *(Spelling(f"profile.gaussian_rs.parameters.{width}", fine=WORDS_AUTO,
               instead="the widths of spots are measured from the strong ones") for width in ("sigma_b", "sigma_m")),
    *(Spelling(f"profile.gaussian_rs.min_spots.{which}", "integrate.min_references")
      for which in ("overall", "per_degree")),
    Spelling("profile.gaussian_rs.scan_varying", fine=("false",), instead="they are learnt every block_width degrees"),
    Spelling("profile.gaussian_rs.fitting.scan_step", "integrate.block_width"),
    Spelling("profile.gaussian_rs.filter.min_zeta", instead="give max_rotation=, degrees in diffracting position"),
    Spelling("profile.algorithm", fine=("gaussian_rs",), instead="profiles are those of rotation data: leave it out"),
    Spelling("exclude_images", "import_sweep.exclude_images", convert=image_ranges, instead=EXCLUDE),
    Spelling("scan_range", instead=ONE_SCAN, fine=("none",)),
    Spelling("significance_filter.enable", fine=("false",), instead="scaling and merging say where data end: cc_half="),
    Spelling("sampling.integrate_all_reflections", fine=("true",), instead="all are integrated"),
)  # fmt: skip

SYMMETRY = (
    Spelling("d_min", "symmetry.d_min", convert=number_or(auto="none")),
    Spelling("min_i_mean_over_sigma_mean", "symmetry.min_i_over_sigma"),
    Spelling("min_cc_half", instead="give min_i_over_sigma=, or d_min=", fine=("0.6", "none")),
    Spelling("laue_group", "symmetry.laue_group", convert=number_or(auto="none")),
    Spelling("lattice_group", "symmetry.laue_group", convert=number_or(auto="none")),
    Spelling("lattice_symmetry_max_delta", "symmetry.max_delta"),
    Spelling("best_monoclinic_beta", "symmetry.monoclinic_setting", convert=chosen(BEST_OR_C)),
    Spelling("systematic_absences.check", "symmetry.check_absences"),
    Spelling("systematic_absences.method", fine=("direct", "fourier"), instead="leave it out"),
    Spelling("systematic_absences.significance_level", instead="the likelihood of every space group is printed"),
    Spelling("normalisation", fine=("kernel", "quasi", "ml_iso", "ml_aniso"), instead="leave it out"),
    Spelling("change_of_basis_op", instead="autoproc reindex changes the basis", fine=("none",)),
    Spelling("partiality_threshold", fine=("0.4",), instead="give scale min_partiality="),
    Spelling("exclude_images", "import_sweep.exclude_images", convert=image_ranges, instead=EXCLUDE),
)  # fmt: skip

SHARED_WITH_COMBINE = (
    "d_min", "min_i_mean_over_sigma_mean", "lattice_symmetry_max_delta", "best_monoclinic_beta", "laue_group",
    "partiality_threshold", "normalisation", "exclude_images",
)  # fmt: skip
COMBINE = (
    *(s for s in SYMMETRY if s.path in SHARED_WITH_COMBINE),
    Spelling("lattice_group", "symmetry.laue_group", convert=number_or(auto="none")),
    Spelling("unit_cell_clustering.threshold",
             instead="give max_cell_difference=, a relative difference of lattices, not a squared length"),
    *(Spelling(f"{which}_tolerance", fine=("auto", "none"), instead="give max_cell_difference=")
      for which in ("absolute_angle", "absolute_length", "relative_length", "length", "angle")),
    Spelling("dimensions", instead=AUTOMATIC, fine=WORDS_AUTO),
    Spelling("min_pairs", instead="pairs count by the reflections that they have in common", fine=("3",)),
    Spelling("weights", instead="pairs count by the standard errors of their correlations",
             fine=("none", "standard_error", "count")),
    *(Spelling(f"{which}", instead="leave it out: the minimum is sought from several starts")
      for which in ("minimization.engine", "minimization.max_iterations", "nproc_minimisation")),
    Spelling("termination_params.max_iterations", instead="leave it out: the minimum is sought from several starts"),
)  # fmt: skip

SCALE = (
    Spelling("anomalous", "scale.anomalous"),
    Spelling("physical.absorption_level", "scale.absorption_level"),
    Spelling("physical.absorption_correction", "scale.absorption_level", convert=chosen({"false": "off"}),
             fine=("true", "auto")),
    Spelling("physical.decay_correction", "scale.decay"),
    Spelling("physical.lmax", instead="give absorption_level=low, medium or high", fine=("auto",)),
    Spelling("physical.surface_weight", instead="give absorption_level=low, medium or high", fine=("auto",)),
    *(Spelling(f"physical.{which}_interval", instead=AUTOMATIC, fine=("auto",)) for which in ("scale", "decay")),
    Spelling("model", fine=("physical", "auto", "none"),
             instead="the physical model it is: absorption_level=off decay=false leaves scales alone"),
    Spelling("cut_data.d_min", "scale.d_min"),
    Spelling("cut_data.d_max", "scale.d_max"),
    Spelling("cut_data.min_isigi", "scale.min_i_over_sigma"),
    Spelling("cut_data.partiality_cutoff", "scale.min_partiality"),
    Spelling("weighting.error_model.error_model", "scale.error_model",
             convert=chosen({"none": "false", "basic": "true", "true": "true", "false": "false"})),
    Spelling("weighting.error_model.basic.min_Ih", "scale.min_expected_intensity"),
    *(Spelling(f"weighting.error_model.basic.{name}", instead="both are fitted; error_model=false leaves them out",
               fine=("none",)) for name in ("a", "b")),
    Spelling("weighting.error_model.grouping", fine=("combined",), instead="one error model is fitted to all sweeps"),
    Spelling("scaling_options.outlier_zmax", "scale.outlier_zmax"),
    Spelling("scaling_options.outlier_rejection", fine=("standard", "simple"), instead="give outlier_zmax=1e9"),
    Spelling("scaling_options.full_matrix", fine=("true", "false")),
    Spelling("scaling_options.reference", instead="give the space group and axes to autoproc symmetry", fine=("none",)),
    *(Spelling(f"scaling_options.target_{kind}", instead="give all sweeps together", fine=("none",))
      for kind in ("model", "mtz")),
    Spelling("scaling_options.check_consistent_indexing", fine=("false",), instead="autoproc symmetry does"),
    Spelling("reflection_selection.intensity_choice", "scale.intensity_choice"),
    Spelling("reflection_selection.method", fine=("quasi_random", "use_all"), instead="give max_observations="),
    Spelling("reflection_selection.min_partiality", instead="give cut_data.partiality_cutoff="),
    Spelling("reflection_selection.best_unit_cell", instead="the cell is that of the .expt files", fine=("none",)),
    Spelling("output.merging.nbins", "scale.n_bins"),
    *(Spelling(f"output.{name}", instead="names stand in MTZ files as the sweep's own", fine=("none",))
      for name in ("crystal_name", "project_name")),
    Spelling("filtering.method", fine=("none",), instead="bad images are found by themselves: max_image_deviation="),
    Spelling("exclude_images", "scale.exclude_images"),
    *(Spelling(f"dataset_selection.{which}_datasets", instead="give the .expt and .refl files of those wanted only",
               fine=("none",)) for which in ("use", "exclude")),
)  # fmt: skip

OTHER_CRITERION = "give cc_half= or misigma=; autoproc scale prints the others by shell"
ESTIMATE_RESOLUTION = (
    Spelling("resolution.cc_half", "estimate_resolution.cc_half"),
    *(Spelling(f"resolution.{name}", instead=OTHER_CRITERION, fine=("none",))
      for name in ("isigma", "i_mean_over_sigma_mean", "rmerge", "completeness", "cc_ref")),
    Spelling("resolution.misigma", "estimate_resolution.misigma"),
    Spelling("resolution.cc_half_fit", fine=("tanh",), instead="tanh is fitted"),
    Spelling("resolution.cc_half_method", fine=("half_dataset", "sigma_tau")),
    Spelling("resolution.nbins", "estimate_resolution.max_shells"),
    Spelling("resolution.reflections_per_bin", "estimate_resolution.reflections_per_shell"),
    Spelling("resolution.anomalous", fine=("false",), instead="CC1/2 is that of all equivalents together"),
    Spelling("resolution.space_group", instead="autoproc symmetry, with space_group=, then scale", fine=("none",)),
    Spelling("resolution.reference", instead=OTHER_CRITERION, fine=("none",)),
    Spelling("resolution.batch_range", instead=ONE_SCAN, fine=("none",)),
    Spelling("d_min", instead="give d_min= to autoproc scale, and its data to estimate-resolution"),
)  # fmt: skip

MERGE = (
    Spelling("d_min", "merge.d_min"),
    Spelling("d_max", "merge.d_max"),
    Spelling("anomalous", fine=("true",), instead="I(+) and I(-) are written beside the mean: use the mean"),
    Spelling("truncate", fine=("true",), instead="the intensities stand beside the amplitudes: use IMEAN"),
    Spelling("n_residues", fine=("200", "none"), instead="leave it out"),
    Spelling("assess_space_group", fine=("true", "false"), instead="autoproc symmetry does"),
    Spelling("best_unit_cell", instead="the cell is that of the .expt files", fine=("none",)),
    Spelling("partiality_threshold", fine=("0.4",), instead="give scale min_partiality="),
    Spelling("combine_partials", fine=("true",), instead="leave it out"),
    Spelling("wavelength_tolerance", instead="merge the wavelengths one by one", fine=("1e-4", "0.0001")),
    Spelling("merging.n_bins", "scale.n_bins"),
    Spelling("r_free_flags.fraction", "merge.free_r_sets", convert=one_in),
    Spelling("r_free_flags.seed", "merge.free_r_seed"),
    Spelling("r_free_flags.generate", fine=("true",), instead="flags are always there: leave the column out"),
    *(Spelling(f"output.{name}", instead="names stand in MTZ files as the sweep's own", fine=("none",))
      for name in ("crystal_names", "project_name", "dataset_names")),
)  # fmt: skip

DOSES = "give damage_analysis.dose_per_image=, starting_doses= or crystals="
DAMAGE_ANALYSIS = (
    Spelling("dose.experiments.dose_per_image", "damage_analysis.dose_per_image"),
    Spelling("dose.experiments.starting_doses", "damage_analysis.starting_doses"),
    Spelling("dose.experiments.shared_crystal", "damage_analysis.crystals",
             convert=chosen({"true": "one", "false": "each"})),
    Spelling("dose.remove_gaps", fine=("true",), instead="numbers of images that lack are no dose"),
    *(Spelling(f"dose.batch.{name}", instead=DOSES, fine=("none",)) for name in ("range", "dose_start", "dose_step")),
    Spelling("d_min", "damage_analysis.d_min"),
    Spelling("d_max", "damage_analysis.d_max"),
    Spelling("min_completeness", instead="give d_min=", fine=("none",)),
    Spelling("resolution_bins", "damage_analysis.n_shells"),
    Spelling("anomalous", "damage_analysis.anomalous"),
    Spelling("range.width", fine=("1",), instead="a step is the dose of an image"),
    *(Spelling(f"range.{name}", instead="leave images out: import exclude_images=", fine=("none",))
      for name in ("min", "max")),
    Spelling("output.json", instead="damage.html has the curves", fine=("none",)),
)  # fmt: skip

EXPORT = (
    Spelling("intensity", fine=("auto",), instead="scaled files give scaled intensities, integrated ones others"),
    Spelling("mtz.d_min", "export.d_min"),
    Spelling("mtz.combine_partials", fine=("true",), instead="leave it out"),
    Spelling("mtz.partiality_threshold", fine=("0.4",), instead="give scale min_partiality="),
    Spelling("mtz.min_isigi", fine=("-5", "none"), instead="give scale min_i_over_sigma="),
    *(Spelling(f"mtz.{name}", fine=("false",), instead="leave it out")
      for name in ("force_static_model", "filter_ice_rings")),
    *(Spelling(f"mtz.{name}", instead="names stand in MTZ files as the sweep's own", fine=("none",))
      for name in ("crystal_name", "project_name")),
    Spelling("mtz.best_unit_cell", instead="the cell is that of the .expt files", fine=("none",)),
    Spelling("mmcif.pdb_version", "export.pdb_version"),
    Spelling("mmcif.compress", fine=("none",), instead="gzip the file afterwards"),
    Spelling("shelx.scale", fine=("true",), instead="leave it out"),
    Spelling("shelx.scale_range", instead="the largest intensity fills its columns"),
    Spelling("shelx.ins", instead="it stands beside the .hkl, with the same name: --output NAME.hkl"),
    Spelling("json.n_digits", "export.n_digits"),
    Spelling("json.compact", fine=("true",), instead="leave it out"),
    Spelling("pets.filename_prefix", instead="name the file: --output NAME.cif_pets"),
    Spelling("pets.id", instead="give the files of one sweep", fine=("none", "0")),
    Spelling("pets.partiality_cutoff", "export.min_partiality"),
    Spelling("pets.flag_filtering", fine=("true",), instead="integrated reflections are written only"),
    Spelling("pets.virtual_frame.excitation_error_cutoff", "export.max_excitation_error"),
    Spelling("pets.virtual_frame.n_merged", "export.n_merged"),
    Spelling("pets.virtual_frame.step", "export.frame_step"),
)  # fmt: skip

BY_STEP: dict[str, tuple[Spelling, ...]] = {
    "import": IMPORT, "find-spots": FIND_SPOTS, "search-beam-position": SEARCH_BEAM,
    "find-rotation-axis": FIND_ROTATION_AXIS, "index": INDEX, "bravais-settings": BRAVAIS, "reindex": REINDEX,
    "refine": REFINE, "integrate": INTEGRATE, "symmetry": SYMMETRY, "combine": COMBINE, "scale": SCALE,
    "estimate-resolution": ESTIMATE_RESOLUTION, "damage-analysis": DAMAGE_ANALYSIS, "merge": MERGE,
    "export": EXPORT,
}  # fmt: skip
"""By the name of the subcommand."""
