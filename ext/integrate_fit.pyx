"""Summation and profile fitting of shoeboxes, and the equations that reference profiles are learnt from.

A profile is a density in (eps1, eps2), in units of sigma_b, given by cubic B-spline coefficients on a
square grid; in eps3 it is the Gaussian rocking curve.
"""

from libc.math cimport erf, exp, fabs, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

cdef extern from "profile_sums.h" nogil:
    const int PARTS
    const int TILE
    ctypedef struct footprint:
        double transform[4]
        double centre_x, centre_y
        int32_t x0, y0, nx, ny
    ctypedef struct pixels:
        int32_t* place
        double* i
        double* j
    ctypedef struct candidates:
        pixels at
        double* square
        double* density
        int32_t n
    ctypedef struct peak:
        double expected, captured, raw, x, y
        int64_t n_foreground, n_bad, n_over, n_summed
    ctypedef struct lesson:
        double total, background, background_variance, gain, scatter

    int choose_pixels(const footprint* f, double side, double radius, const pixels* reached, const pixels* near,
                      int32_t* n_near)
    void place_on_grid(const footprint* f, double spacing, double middle, const pixels* chosen, int n)
    double spread_profile(const double* profile, int size, const pixels* reached, int n, double* density)
    void prepare(const footprint* f, const double* density, const candidates* c)
    void add_frame(const candidates* near, double share, double most, const int32_t* counts, const uint8_t* label,
                   double b, peak* sums, double* p, double* c)
    void fit_sums(const double* p, const double* c, int n, double gain, double level, double intensity, double* spp,
                  double* spc, double* sp)
    void add_counts(const int32_t* counts, const uint8_t* label, int n, double* sum, int32_t* is_lost)
    void add_observations(const pixels* reached, int n, int size, double spacing, double middle, const double* sum,
                          const int32_t* is_lost, const lesson* taught, double* tiles)
    void add_tiles(const double* tiles, long size, double* normal, double* right)
    void products(const double* p, const double* c, int n, double mean_p, double mean_c, double* spp, double* scc,
                  double* spc)

N_RESULTS = 17

cdef double SQRT_HALF = 0.7071067811865476
cdef int MAX_CYCLES = 20


cdef inline double rocking(double w) noexcept nogil:
    """Integral of the rocking curve up to w standard deviations."""
    return 0.5 * (1 + erf(w * SQRT_HALF))


cdef inline double background_variance(double mean, double dispersion, int n_used, double gain,
                                       double noise) noexcept nogil:
    """Variance of the mean background; 0.95 is the efficiency of Huber's estimator."""
    cdef double floor_mean = mean if mean > gain / n_used else gain / n_used
    return gain * (floor_mean + noise) * (dispersion if dispersion > 1 else 1.0) / (0.95 * n_used)


cdef inline double likely_intensity(double intensity, double mean, double variance) noexcept nogil:
    """Intensity from which variances are computed: drawn towards the mean of its resolution.

    A variance taken from a weak intensity itself is too small whenever the intensity happens to be
    low, so that weighted means come out low. `variance` is that of a reflection of mean intensity; the
    spread of true intensities about their mean is the mean itself (Wilson 1949), or as much more
    as this intensity shows.
    """
    cdef double spread, excess, value
    if mean < 0:
        return intensity if intensity > 0 else 0
    spread = mean * mean
    excess = (intensity - mean) * (intensity - mean) - variance
    if excess > spread:
        spread = excess
    value = (intensity * spread + mean * variance) / (spread + variance)
    return value if value > 0 else 0


cdef struct scratch:
    pixels reached
    candidates near
    double* density  # of the profile, or the counts, on the pixels of a frame
    double* p
    double* c


cdef bint allocate(scratch* work, Py_ssize_t n) noexcept nogil:
    """Work space for shoeboxes of up to n pixels, some more for whole registers; False where there is none."""
    cdef double* values = <double*>malloc((n + PARTS) * 9 * sizeof(double))
    cdef int32_t* places = <int32_t*>malloc((n + PARTS) * 2 * sizeof(int32_t))
    cdef Py_ssize_t size = n + PARTS
    work.reached.place, work.near.at.place = places, places + size
    work.reached.i, work.reached.j = values, values + size
    work.near.at.i, work.near.at.j = values + 2 * size, values + 3 * size
    work.near.square, work.near.density = values + 4 * size, values + 5 * size
    work.density, work.p, work.c = values + 6 * size, values + 7 * size, values + 8 * size
    return values != NULL and places != NULL


cdef void release(scratch* work) noexcept nogil:
    free(work.reached.i)
    free(work.reached.place)


cdef footprint footprint_of(Py_ssize_t r, const int[:, ::1] bbox, const double[:, ::1] centre,
                            const double[:, :, ::1] transform) noexcept nogil:
    cdef footprint f
    f.transform[0], f.transform[1] = transform[r, 0, 0], transform[r, 0, 1]
    f.transform[2], f.transform[3] = transform[r, 1, 0], transform[r, 1, 1]
    f.centre_x, f.centre_y = centre[r, 0], centre[r, 1]
    f.x0, f.y0 = bbox[r, 0], bbox[r, 2]
    f.nx, f.ny = bbox[r, 1] - bbox[r, 0], bbox[r, 3] - bbox[r, 2]
    return f


cdef void measure(Py_ssize_t r, Py_ssize_t begin, const int32_t[::1] counts, const uint8_t[::1] label,
                  const int[:, ::1] bbox, const double[:, ::1] centre, const double[:, :, ::1] transform,
                  const double[::1] rate, double b, double dispersion, int n_used,
                  const double[:, :, ::1] profiles, Py_ssize_t which, double spacing, double mean_intensity, double radius,
                  double gain, double noise, double n_images, double missing_error, bint is_fitted, scratch* work,
                  double[:, ::1] out) noexcept nogil:
    cdef int z0 = bbox[r, 4], z1 = bbox[r, 5], z, n_reached, n, i, size = <int>profiles.shape[1]
    cdef double k = rate[r], middle = centre[r, 2], w, low, high, frame_raw, most = radius * radius
    cdef double total, sz = 0, partiality, floor_b, var_b, intensity, spp, spc, sp, variance, change, scale, missing
    cdef double typical, likely, mc = 0, mp = 0, cc = 0, pp = 0, cp = 0
    cdef footprint f = footprint_of(r, bbox, centre, transform)
    cdef Py_ssize_t area = <Py_ssize_t>f.nx * f.ny, frame
    cdef peak sums
    cdef double* p = work.p
    cdef double* c = work.c
    memset(&sums, 0, sizeof(sums))
    memset(work.density, 0, area * sizeof(double))
    # The shares of all pixels of a frame must add up to one wherever the centre lies within its pixel,
    # which a profile learnt from noise does only nearly.
    n_reached = choose_pixels(&f, 0.5 * (size - 3) * spacing, radius, &work.reached, &work.near.at, &work.near.n)
    place_on_grid(&f, spacing, 0.5 * (size - 1), &work.reached, n_reached)
    total = spread_profile(&profiles[which, 0, 0], size, &work.reached, n_reached, work.density)
    prepare(&f, work.density, &work.near)
    if total <= 0:
        total = 1
    partiality = rocking(k * (n_images - middle)) - rocking(-k * middle)
    high = rocking(k * (z0 - middle))
    for z in range(z0, z1):
        low, high = high, rocking(k * (z + 1 - middle))
        w = k * (z - middle if middle < z else (middle - z - 1 if middle > z + 1 else 0))
        if w * w > most:
            continue
        frame_raw = sums.raw
        frame = begin + (z - z0) * area
        add_frame(&work.near, (high - low) / total, most - w * w, &counts[frame], &label[frame], b, &sums, p, c)
        sz += (sums.raw - frame_raw) * (z + 0.5)
    n = <int>sums.n_summed
    var_b = background_variance(b, dispersion, n_used, gain, noise)
    floor_b = (b if b > gain / n_used else gain / n_used) + noise
    out[r, 0] = 0
    out[r, 1] = -1
    out[r, 2] = 0
    out[r, 3] = -1
    out[r, 4] = sums.captured
    out[r, 5] = sums.captured / sums.expected if sums.expected > 0 else 0
    out[r, 6] = partiality
    out[r, 7] = sums.n_foreground
    out[r, 8] = sums.n_bad
    out[r, 9] = sums.n_over
    out[r, 10] = 0
    out[r, 11] = b * n
    out[r, 12] = gain * ((b if b > 0 else 0) + noise) * n + var_b * n * n
    for i in range(3):
        out[r, 13 + i] = centre[r, i]
    out[r, 16] = n
    if n == 0 or sums.captured <= 1e-6:
        return
    missing = missing_error * (1 - out[r, 5])
    # Summation: what the pixels hold, scaled to what the frames of the scan recorded.
    scale = partiality / sums.captured
    out[r, 0] = sums.raw * scale
    typical = gain * ((mean_intensity * sums.captured if mean_intensity > 0 else 0) + n * floor_b)
    typical = (typical + <double>n * n * var_b) / (sums.captured * sums.captured)
    likely = likely_intensity(sums.raw / sums.captured, mean_intensity, typical)
    variance = gain * (likely * sums.captured + n * floor_b) + <double>n * n * var_b
    out[r, 1] = variance * scale * scale + missing * missing * out[r, 0] * out[r, 0]
    if sums.raw > 0 and sums.raw * sums.raw > 9 * variance:
        out[r, 13] = f.x0 + sums.x / sums.raw
        out[r, 14] = f.y0 + sums.y / sums.raw
        out[r, 15] = sz / sums.raw
    if not is_fitted:
        return
    # Profile fit: weights from background and profile, iterated (Kabsch 2010).
    for i in range(n, n + PARTS):
        p[i] = c[i] = 0
    intensity = sums.raw / sums.captured
    for cycle in range(MAX_CYCLES):
        likely = likely_intensity(intensity, mean_intensity, typical)
        fit_sums(p, c, n, gain, floor_b, likely, &spp, &spc, &sp)
        change = spc / spp - intensity
        intensity += change
        if fabs(change) < 1e-3 * sqrt(1 / spp):
            break
    out[r, 2] = intensity
    out[r, 3] = 1 / spp + (sp / spp) * (sp / spp) * var_b + missing * missing * intensity * intensity
    mc, mp = sums.raw / n, sums.captured / n
    for i in range(n, n + PARTS):
        p[i], c[i] = mp, mc
    products(p, c, n, mp, mc, &pp, &cc, &cp)
    if cc > 0 and pp > 0:
        out[r, 10] = cp / sqrt(cc * pp)


def measure_shoeboxes(const Py_ssize_t[::1] start, const int32_t[::1] counts, const uint8_t[::1] label,
                      const int[:, ::1] bbox, const double[:, ::1] centre, const double[:, :, ::1] transform,
                      const double[::1] rate, const double[::1] background, const double[::1] dispersion,
                      const int[::1] n_used, const double[:, :, ::1] profiles, const Py_ssize_t[::1] which,
                      double spacing, const double[::1] mean_intensity, double radius, double gain, double noise,
                      double n_images, double missing_error, bint is_fitted, Py_ssize_t max_size, double[:, ::1] out):
    """Fill a row of `out` for every shoebox whose background is known; see kernels.integrate_fit."""
    cdef Py_ssize_t r
    cdef scratch work
    if not allocate(&work, max_size):
        release(&work)
        raise MemoryError
    with nogil:
        for r in range(start.shape[0] - 1):
            measure(r, start[r], counts, label, bbox, centre, transform, rate,
                    background[r] if background[r] == background[r] else 0, dispersion[r], n_used[r] if n_used[r] > 0 else 1,
                    profiles, which[r], spacing, mean_intensity[r], radius, gain, noise, n_images, missing_error,
                    is_fitted, &work, out)
    release(&work)


def accumulate_profile(const Py_ssize_t[::1] rows, const Py_ssize_t[::1] start, const int32_t[::1] counts,
                       const uint8_t[::1] label, const int[:, ::1] bbox, const double[:, ::1] centre,
                       const double[:, :, ::1] transform, const double[::1] rate, const double[::1] background,
                       const double[::1] intensity, double spacing, double gain, double noise,
                       double model_error, Py_ssize_t max_size, double[:, ::1] normal, double[::1] right):
    """Add the observations of some shoeboxes to the normal equations of the spline coefficients.

    An observation is a pixel summed over the frames of its shoebox, divided by intensity and pixel
    area. Weights come from a unit Gaussian profile, so that they do not follow the noise.
    """
    cdef Py_ssize_t n, r, z, begin, area, size = <Py_ssize_t>(sqrt(<double>right.shape[0]) + 0.5)
    cdef int n_reached, nz
    cdef double recorded, b
    cdef footprint f
    cdef lesson taught
    cdef scratch work
    cdef int32_t* is_lost = <int32_t*>malloc((max_size + 1) * sizeof(int32_t))
    cdef double* tiles = <double*>calloc((size - 3) * (size - 3) * TILE, sizeof(double))
    if not allocate(&work, max_size) or is_lost == NULL or tiles == NULL:
        release(&work)
        free(is_lost)
        free(tiles)
        raise MemoryError
    taught.gain, taught.scatter = gain, model_error * model_error
    with nogil:
        for n in range(rows.shape[0]):
            r = rows[n]
            b, nz = background[r], bbox[r, 5] - bbox[r, 4]
            recorded = (rocking(rate[r] * (bbox[r, 5] - centre[r, 2]))
                        - rocking(rate[r] * (bbox[r, 4] - centre[r, 2])))
            taught.total = intensity[r] * recorded * fabs(
                transform[r, 0, 0] * transform[r, 1, 1] - transform[r, 0, 1] * transform[r, 1, 0])
            if not taught.total > 0:
                continue
            taught.background, taught.background_variance = b * nz, ((b if b > 0 else 0) + noise) * nz
            f = footprint_of(r, bbox, centre, transform)
            area = <Py_ssize_t>f.nx * f.ny
            memset(work.density, 0, area * sizeof(double))
            memset(is_lost, 0, area * sizeof(int32_t))
            for z in range(nz):
                begin = start[r] + z * area
                add_counts(&counts[begin], &label[begin], <int>area, work.density, is_lost)
            n_reached = choose_pixels(&f, 0.5 * (size - 3) * spacing, 0, &work.reached, &work.near.at,
                                      &work.near.n)
            place_on_grid(&f, spacing, 0.5 * (size - 1), &work.reached, n_reached)
            add_observations(&work.reached, n_reached, <int>size, spacing, 0.5 * (size - 1), work.density, is_lost,
                             &taught, tiles)
        add_tiles(tiles, size, &normal[0, 0], &right[0])
    release(&work)
    free(is_lost)
    free(tiles)
