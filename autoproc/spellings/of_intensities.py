"""The parameters of DIALS of the steps from refined models to merged and exported intensities."""

from __future__ import annotations

from autoproc.spellings.answers import BEST_OR_C, CLUSTER, EXCLUDE, ONE_SCAN, RASTER, WORDS_AUTO
from autoproc.spellings.spelling import Spelling, image_ranges, number_or, one_in, word_for

AUTOMATIC = "it is chosen from the data"
INTO_ITS_SETTING = "give it to autoproc combine, before scaling, which brings one data set or several into its setting"

INTEGRATE = (
    Spelling("prediction.d_min", "integrate.d_min"),
    Spelling("prediction.d_max", instead="give scale d_max=", fine=("none",)),
    Spelling("integration.profile.fitting", "scale.intensity_choice", convert=word_for({"false": "sum"}),
             fine=("true",)),
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
    Spelling("best_monoclinic_beta", "symmetry.monoclinic_setting", convert=word_for(BEST_OR_C)),
    Spelling("systematic_absences.check", "symmetry.check_absences"),
    Spelling("systematic_absences.method", fine=("direct", "fourier"), instead="leave it out"),
    Spelling("systematic_absences.significance_level", instead="the likelihood of every space group is printed"),
    Spelling("normalisation", fine=("kernel", "quasi", "ml_iso", "ml_aniso"), instead="leave it out"),
    Spelling("change_of_basis_op", instead="autoproc reindex changes the basis", fine=("none",)),
    Spelling("partiality_threshold", fine=("0.4",), instead="give scale min_partiality="),
    Spelling("exclude_images", "import_sweep.exclude_images", convert=image_ranges, instead=EXCLUDE),
    Spelling("reference", instead=INTO_ITS_SETTING, fine=("none",)),
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
    Spelling("reference", "combine.reference", convert=number_or(none="none")),
)  # fmt: skip

SCALE = (
    Spelling("anomalous", "scale.anomalous"),
    Spelling("physical.absorption_level", "scale.absorption_level"),
    Spelling("physical.absorption_correction", "scale.absorption_level", convert=word_for({"false": "off"}),
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
             convert=word_for({"none": "false", "basic": "true", "true": "true", "false": "false"})),
    Spelling("weighting.error_model.basic.min_Ih", "scale.min_expected_intensity"),
    *(Spelling(f"weighting.error_model.basic.{name}", instead="both are fitted; error_model=false leaves them out",
               fine=("none",)) for name in ("a", "b")),
    Spelling("weighting.error_model.grouping", fine=("combined",), instead="one error model is fitted to all sweeps"),
    Spelling("scaling_options.outlier_zmax", "scale.outlier_zmax"),
    Spelling("scaling_options.outlier_rejection", fine=("standard", "simple"), instead="give outlier_zmax=1e9"),
    Spelling("scaling_options.full_matrix", fine=("true", "false")),
    Spelling("scaling_options.reference", instead=INTO_ITS_SETTING, fine=("none",)),
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
    Spelling("r_free_flags.reference", "merge.reference", convert=number_or(none="none")),
    Spelling("r_free_flags.extend", fine=("true",), instead="flags that a reference lacks are always added"),
    Spelling("r_free_flags.remediate_mismatches", fine=("false", "true"), instead="leave it out"),
    Spelling("r_free_flags.generate", fine=("true",), instead="flags are always there: leave the column out"),
    *(Spelling(f"output.{name}", instead="names stand in MTZ files as the sweep's own", fine=("none",))
      for name in ("crystal_names", "project_name", "dataset_names")),
)  # fmt: skip

DOSES = "give damage_analysis.dose_per_image=, starting_doses= or crystals="
DAMAGE_ANALYSIS = (
    Spelling("dose.experiments.dose_per_image", "damage_analysis.dose_per_image"),
    Spelling("dose.experiments.starting_doses", "damage_analysis.starting_doses"),
    Spelling("dose.experiments.shared_crystal", "damage_analysis.crystals",
             convert=word_for({"true": "one", "false": "each"})),
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
    Spelling("shelx.composition", "export.composition", convert=number_or(ch="")),
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
