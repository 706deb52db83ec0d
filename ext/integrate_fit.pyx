"""Summation and profile fitting of shoeboxes, and the equations that reference profiles are learnt from.

A profile is a density in (eps1, eps2), in units of sigma_b, given by cubic B-spline coefficients on a
square grid; in eps3 it is the Gaussian rocking curve.
"""

from libc.math cimport erf, exp, fabs, floor, sqrt
from libc.stdlib cimport free, malloc

MAX_FRAMES = 4096
N_RESULTS = 17

cdef double SQRT_HALF = 0.7071067811865476
cdef int MAX_CYCLES = 20
cdef int WORST = -0x7FFFFFFF  # counts up to it are none: untrusted, and just this one overloaded


cdef inline double rocking(double w) noexcept nogil:
    """Integral of the rocking curve up to w standard deviations."""
    return 0.5 * (1 + erf(w * SQRT_HALF))


cdef inline void basis(double t, double* b) noexcept nogil:
    """The four cubic B-splines that reach a point at t, 0 to 1, of an interval."""
    cdef double s = 1 - t
    b[0] = s * s * s / 6
    b[1] = (3 * t * t * t - 6 * t * t + 4) / 6
    b[2] = (3 * s * s * s - 6 * s * s + 4) / 6
    b[3] = t * t * t / 6


cdef inline bint locate(double u, double spacing, Py_ssize_t size, Py_ssize_t* first, double* b) noexcept nogil:
    cdef double position = u / spacing + 0.5 * (size - 1)
    cdef Py_ssize_t node
    if not 1 <= position < size - 2:  # nor what is not a number
        return False
    node = <Py_ssize_t>floor(position)
    basis(position - node, b)
    first[0] = node - 1
    return True


cdef inline double profile_at(const double[:, :, ::1] profiles, Py_ssize_t which, double spacing,
                              double u, double v) noexcept nogil:
    cdef Py_ssize_t i, j, n, m, size = profiles.shape[1]
    cdef double bu[4]
    cdef double bv[4]
    cdef double value = 0, row
    if not locate(u, spacing, size, &i, bu) or not locate(v, spacing, size, &j, bv):
        return 0.0
    for n in range(4):
        row = 0
        for m in range(4):
            row += bu[m] * profiles[which, j + n, i + m]
        value += bv[n] * row
    return value if value > 0 else 0.0


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


cdef void measure(Py_ssize_t r, Py_ssize_t begin, const int[::1] counts, const unsigned char[::1] label,
                  const int[:, ::1] bbox, const double[:, ::1] centre, const double[:, :, ::1] transform,
                  const double[::1] rate, double b, double dispersion, int n_used,
                  const double[:, :, ::1] profiles, Py_ssize_t which, double spacing, double mean_intensity, double radius,
                  double gain, double noise, double n_images, double missing_error, double* share, double* p, double* c,
                  double[:, ::1] out) noexcept nogil:
    cdef int x0 = bbox[r, 0], x1 = bbox[r, 1], y0 = bbox[r, 2], y1 = bbox[r, 3], z0 = bbox[r, 4], z1 = bbox[r, 5]
    cdef int nx = x1 - x0, ny = y1 - y0, x, y, z
    cdef double k = rate[r], dx, dy, u, v, r2, w, density, pixel
    cdef Py_ssize_t at, n = 0, cycle, i
    cdef double total, raw = 0, captured = 0, expected = 0, weight, sx = 0, sy = 0, sz = 0, sxx = 0, syy = 0, szz = 0
    cdef int n_foreground = 0, n_bad = 0, n_over = 0
    cdef double partiality, floor_b, var_b, intensity, spp, spc, sp, variance, change, scale, missing, typical, likely
    cdef double mc = 0, mp = 0, cc = 0, pp = 0, cp = 0
    # The shares of all pixels of a frame must add up to one wherever the centre lies within its pixel,
    # which a profile learnt from noise does only nearly.
    total = 0
    for y in range(y0, y1):
        dy = y + 0.5 - centre[r, 1]
        for x in range(x0, x1):
            dx = x + 0.5 - centre[r, 0]
            u = transform[r, 0, 0] * dx + transform[r, 0, 1] * dy
            v = transform[r, 1, 0] * dx + transform[r, 1, 1] * dy
            total += profile_at(profiles, which, spacing, u, v)
    if total <= 0:
        total = 1
    partiality = rocking(k * (n_images - centre[r, 2])) - rocking(-k * centre[r, 2])
    for z in range(z0, z1):
        share[z - z0] = rocking(k * (z + 1 - centre[r, 2])) - rocking(k * (z - centre[r, 2]))
    for y in range(y0, y1):
        dy = y + 0.5 - centre[r, 1]
        for x in range(x0, x1):
            dx = x + 0.5 - centre[r, 0]
            u = transform[r, 0, 0] * dx + transform[r, 0, 1] * dy
            v = transform[r, 1, 0] * dx + transform[r, 1, 1] * dy
            r2 = u * u + v * v
            if r2 > radius * radius:
                continue
            density = profile_at(profiles, which, spacing, u, v) / total
            for z in range(z0, z1):
                at = begin + ((<Py_ssize_t>(z - z0)) * ny + (y - y0)) * nx + (x - x0)
                w = 0
                if centre[r, 2] < z:
                    w = k * (z - centre[r, 2])
                elif centre[r, 2] > z + 1:
                    w = k * (centre[r, 2] - z - 1)
                if r2 + w * w > radius * radius:
                    continue
                n_foreground += 1
                pixel = density * share[z - z0]
                expected += pixel
                if counts[at] <= WORST:
                    n_bad += 1
                    if counts[at] == WORST:
                        n_over += 1
                    continue
                if label[at] != 1:
                    continue
                p[n] = pixel
                c[n] = counts[at] - b
                n += 1
                captured += pixel
                weight = counts[at] - b
                raw += weight
                sx += weight * (x + 0.5)
                sy += weight * (y + 0.5)
                sz += weight * (z + 0.5)
                sxx += weight * dx * dx
                syy += weight * dy * dy
                szz += weight * (z + 0.5 - centre[r, 2]) * (z + 0.5 - centre[r, 2])
    var_b = background_variance(b, dispersion, n_used, gain, noise)
    floor_b = (b if b > gain / n_used else gain / n_used) + noise
    out[r, 0] = 0
    out[r, 1] = -1
    out[r, 2] = 0
    out[r, 3] = -1
    out[r, 4] = captured
    out[r, 5] = captured / expected if expected > 0 else 0
    out[r, 6] = partiality
    out[r, 7] = n_foreground
    out[r, 8] = n_bad
    out[r, 9] = n_over
    out[r, 10] = 0
    out[r, 11] = b * n
    out[r, 12] = gain * ((b if b > 0 else 0) + noise) * n + var_b * n * n
    for i in range(3):
        out[r, 13 + i] = centre[r, i]
    out[r, 16] = n
    if n == 0 or captured <= 1e-6:
        return
    missing = missing_error * (1 - out[r, 5])
    # Summation: what the pixels hold, scaled to what the frames of the scan recorded.
    scale = partiality / captured
    out[r, 0] = raw * scale
    typical = gain * ((mean_intensity * captured if mean_intensity > 0 else 0) + n * floor_b) + n * n * var_b
    typical /= captured * captured
    likely = likely_intensity(raw / captured, mean_intensity, typical)
    variance = gain * (likely * captured + n * floor_b) + n * n * var_b
    out[r, 1] = variance * scale * scale + missing * missing * out[r, 0] * out[r, 0]
    if raw > 0 and raw * raw > 9 * variance:
        out[r, 13] = sx / raw
        out[r, 14] = sy / raw
        out[r, 15] = sz / raw
    # Profile fit: weights from background and profile, iterated (Kabsch 2010).
    intensity = raw / captured
    for cycle in range(MAX_CYCLES):
        likely = likely_intensity(intensity, mean_intensity, typical)
        spp = 0
        spc = 0
        sp = 0
        for i in range(n):
            weight = 1 / (gain * (floor_b + likely * p[i]))
            spp += p[i] * p[i] * weight
            spc += p[i] * c[i] * weight
            sp += p[i] * weight
        change = spc / spp - intensity
        intensity += change
        if fabs(change) < 1e-3 * sqrt(1 / spp):
            break
    out[r, 2] = intensity
    out[r, 3] = 1 / spp + (sp / spp) * (sp / spp) * var_b + missing * missing * intensity * intensity
    for i in range(n):
        mc += c[i]
        mp += p[i]
    mc /= n
    mp /= n
    for i in range(n):
        cc += (c[i] - mc) * (c[i] - mc)
        pp += (p[i] - mp) * (p[i] - mp)
        cp += (c[i] - mc) * (p[i] - mp)
    if cc > 0 and pp > 0:
        out[r, 10] = cp / sqrt(cc * pp)


def measure_shoeboxes(const Py_ssize_t[::1] start, const int[::1] counts, const unsigned char[::1] label,
                      const int[:, ::1] bbox, const double[:, ::1] centre, const double[:, :, ::1] transform,
                      const double[::1] rate, const double[::1] background, const double[::1] dispersion,
                      const int[::1] n_used, const double[:, :, ::1] profiles, const Py_ssize_t[::1] which,
                      double spacing, const double[::1] mean_intensity, double radius, double gain, double noise,
                      double n_images, double missing_error, Py_ssize_t max_size, Py_ssize_t max_frames, double[:, ::1] out):
    """Fill a row of `out` for every shoebox whose background is known; see kernels.integrate_fit."""
    cdef Py_ssize_t r
    cdef double* share = <double*>malloc(max_frames * sizeof(double))
    cdef double* p = <double*>malloc(max_size * sizeof(double))
    cdef double* c = <double*>malloc(max_size * sizeof(double))
    if share == NULL or p == NULL or c == NULL:
        free(share)
        free(p)
        free(c)
        raise MemoryError
    with nogil:
        for r in range(start.shape[0] - 1):
            measure(r, start[r], counts, label, bbox, centre, transform, rate,
                    background[r] if background[r] == background[r] else 0, dispersion[r], n_used[r] if n_used[r] > 0 else 1,
                    profiles, which[r], spacing, mean_intensity[r], radius, gain, noise, n_images, missing_error, share,
                    p, c, out)
    free(share)
    free(p)
    free(c)


def accumulate_profile(const Py_ssize_t[::1] rows, const Py_ssize_t[::1] start, const int[::1] counts,
                       const unsigned char[::1] label, const int[:, ::1] bbox, const double[:, ::1] centre,
                       const double[:, :, ::1] transform, const double[::1] rate, const double[::1] background,
                       const double[::1] intensity, double spacing, double gain, double noise,
                       double model_error,
                       double[:, ::1] normal, double[::1] right):
    """Add the observations of some shoeboxes to the normal equations of the spline coefficients.

    An observation is a pixel summed over the frames of its shoebox, divided by intensity and pixel
    area. Weights come from a unit Gaussian profile, so that they do not follow the noise.
    """
    cdef Py_ssize_t n, r, at, size = <Py_ssize_t>(sqrt(<double>right.shape[0]) + 0.5), i, j, a, b2, row, column
    cdef int x, y, z, nx, ny, nz
    cdef double dx, dy, u, v, det, total, recorded, q, guess, variance, weight, value
    cdef bint usable
    cdef double bu[4]
    cdef double bv[4]
    cdef double product[16]
    cdef Py_ssize_t place[16]
    with nogil:
        for n in range(rows.shape[0]):
            r = rows[n]
            nx, ny, nz = bbox[r, 1] - bbox[r, 0], bbox[r, 3] - bbox[r, 2], bbox[r, 5] - bbox[r, 4]
            det = fabs(transform[r, 0, 0] * transform[r, 1, 1] - transform[r, 0, 1] * transform[r, 1, 0])
            recorded = (rocking(rate[r] * (bbox[r, 5] - centre[r, 2]))
                        - rocking(rate[r] * (bbox[r, 4] - centre[r, 2])))
            total = intensity[r] * det * recorded
            if total <= 0:
                continue
            for y in range(ny):
                dy = bbox[r, 2] + y + 0.5 - centre[r, 1]
                for x in range(nx):
                    dx = bbox[r, 0] + x + 0.5 - centre[r, 0]
                    u = transform[r, 0, 0] * dx + transform[r, 0, 1] * dy
                    v = transform[r, 1, 0] * dx + transform[r, 1, 1] * dy
                    if not locate(u, spacing, size, &i, bu) or not locate(v, spacing, size, &j, bv):
                        continue
                    q = 0
                    usable = True
                    for z in range(nz):
                        at = start[r] + (<Py_ssize_t>z * ny + y) * nx + x
                        if counts[at] <= WORST or label[at] == 2:
                            usable = False
                            break
                        q += counts[at] - background[r]
                    if not usable:
                        continue
                    guess = exp(-0.5 * (u * u + v * v)) / 6.283185307179586
                    variance = gain * (guess * total + ((background[r] if background[r] > 0 else 0) + noise) * nz + 1e-3)
                    variance += model_error * model_error * total * total * (guess * guess + 1e-5)
                    weight = total * total / variance
                    value = q / total
                    for a in range(4):
                        for b2 in range(4):
                            product[4 * a + b2] = bv[a] * bu[b2]
                            place[4 * a + b2] = (j + a) * size + i + b2
                    for a in range(16):
                        row = place[a]
                        right[row] += weight * product[a] * value
                        for b2 in range(16):
                            column = place[b2]
                            normal[row, column] += weight * product[a] * product[b2]
