"""Programs of DIALS that have no command here, and what to do instead."""

VIEWER = "use dials.{}, which shows its files; autoproc report draws plots"
STILLS = "stills are processed by DIALS or CrystFEL"
WHOLE = "a sweep is one experiment of imported.expt; give several files to a step, in the order of their .refl files"
BAD_PIXELS = "hot pixels and shadows are found by themselves; rectangles are masked by autoproc import mask=x0,y0,x1,y1"
AT_IMPORT = "give what the headers have wrong to autoproc import: beam_centre=, distance=, wavelength=, rotation_axis="

ELSEWHERE = {
    "geometry-viewer": VIEWER.format("geometry_viewer"),
    "stereographic-projection": VIEWER.format("stereographic_projection"),
    "generate-mask": BAD_PIXELS,
    "apply-mask": BAD_PIXELS,
    "find-hot-pixels": BAD_PIXELS,
    "find-bad-pixels": BAD_PIXELS,
    "find-shared-models": WHOLE,
    "combine-experiments": WHOLE,
    "split-experiments": WHOLE,
    "assign-experiment-identifiers": WHOLE,
    "slice-sequence": "autoproc import image_range=FIRST,LAST takes a part of a sweep",
    "slice-sweep": "autoproc import image_range=FIRST,LAST takes a part of a sweep",
    "modify-geometry": AT_IMPORT,
    "modify-experiments": AT_IMPORT,
    "estimate-gain": "the gain is that of the detector's model; autoproc import gain= sets another",
    "detect-blanks": "blank images are found in scaling: autoproc scale min_image_ratio=0.3",
    "spot-counts-per-image": "autoproc find-spots prints them, and autoproc report draws them",
    "create-profile-model": "autoproc integrate measures the widths of the spots first",
    "predict": "autoproc integrate predicts what it integrates",
    "two-theta-refine": "the cell with its uncertainties is that of autoproc refine",
    "check-indexing-symmetry": "indices are off by one where the beam centre is wrong: autoproc search-beam-position",
    "rs-mapper": VIEWER.format("rs_mapper"),
    "refine-error-model": "autoproc scale fits the error model; error_model=false leaves it out",
    "compute-delta-cchalf": "autoproc scale leaves out bad images: max_image_deviation=0.1",
    "filter-reflections": "autoproc scale and merge have limits: d_min=, d_max=, min_partiality=, min_i_over_sigma=",
    "model-headers": "autoproc show prints them",
    "anvil-correction": "absorption in an anvil cell has no model of its own: autoproc scale absorption_level=high",
    "stills-process": STILLS,
    "ssx-index": STILLS,
    "ssx-integrate": STILLS,
    "image-average": "autoproc view stacks images by their mean, sum or maximum",
    "merge-cbf": "images are processed as they were measured",
    "convert-to-cbf": "images are read in the formats that they are in",
    "export-bitmaps": "autoproc view shows the images, and saves what is shown",
    "plot-scan-varying-model": "autoproc report draws the models over the scan",
    "plot-reflections": "autoproc report draws them",
    "compare-orientation-matrices": "autoproc show prints the orientation of each crystal",
    "background": "autoproc report draws the background",
    "import-xds": "give the files of autoproc or DIALS (.expt, .refl)",
}
"""By the name with dashes."""
