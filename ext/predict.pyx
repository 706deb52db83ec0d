"""Reflections that cross the Ewald sphere during a scan, one plane of h at a time."""

from libc.math cimport acos, atan2, floor, fmod, sqrt

cdef double TWO_PI = 6.283185307179586


cdef inline void setting_at(const double[:, ::1] points, double position, double* a) noexcept nogil:
    """The setting matrix at an array index, linear between scan points and constant beyond them."""
    cdef Py_ssize_t last = points.shape[0] - 1
    cdef Py_ssize_t low, i
    cdef double weight
    if last == 0 or not position > 0:
        for i in range(9):
            a[i] = points[0, i]
        return
    if position >= last:
        for i in range(9):
            a[i] = points[last, i]
        return
    low = <Py_ssize_t>floor(position)
    if low >= last:
        low = last - 1
    weight = position - low
    for i in range(9):
        a[i] = (1 - weight) * points[low, i] + weight * points[low + 1, i]


cdef inline bint crossing(const double* a, const double* hkl, const double* axis, const double* t0,
                          int branch, double* phi) noexcept nogil:
    """Rotation angle of one of the two crossings; t0 is the incident vector seen from the axis."""
    cdef double p[3]
    cdef double along, t_along, ax, bx, c, pp, radius, ratio
    cdef Py_ssize_t i
    for i in range(3):
        p[i] = a[3 * i] * hkl[0] + a[3 * i + 1] * hkl[1] + a[3 * i + 2] * hkl[2]
    along = p[0] * axis[0] + p[1] * axis[1] + p[2] * axis[2]
    t_along = t0[0] * axis[0] + t0[1] * axis[1] + t0[2] * axis[2]
    ax = p[0] * t0[0] + p[1] * t0[1] + p[2] * t0[2] - along * t_along
    bx = ((axis[1] * p[2] - axis[2] * p[1]) * t0[0] + (axis[2] * p[0] - axis[0] * p[2]) * t0[1]
          + (axis[0] * p[1] - axis[1] * p[0]) * t0[2])
    pp = p[0] * p[0] + p[1] * p[1] + p[2] * p[2]
    c = -0.5 * pp - along * t_along
    radius = sqrt(ax * ax + bx * bx)
    if radius <= 0:
        return False
    ratio = c / radius
    if ratio > 1 or ratio < -1:
        return False
    phi[0] = atan2(bx, ax) + (acos(ratio) if branch else -acos(ratio))
    return True


def predict_plane(int h, int k_min, int k_max, int l_min, int l_max, const double[:, ::1] points,
                  const double[::1] axis, const double[::1] t0, double phi_start, double phi_width,
                  double phi_low, double phi_high, double max_inverse_d2,
                  int[:, ::1] hkl_out, double[::1] phi_out, double[::1] frame_out):
    """Fill hkl_out, phi_out, frame_out with the crossings of plane h; returns how many there are.

    Angles within [phi_low, phi_high) are kept, every turn of them. The setting matrix is that of the
    crossing's own image (found by iteration). Filling stops at the length of the arrays, counting
    goes on.
    """
    cdef int k, l, branch, step
    cdef Py_ssize_t n = 0, middle = points.shape[0] // 2, i
    cdef double a[9]
    cdef double mean[9]
    cdef double index[3]
    cdef double p, d2, phi, turned, frame, previous
    cdef double m[3]
    cdef double t[3]
    cdef bint crosses
    with nogil:
        for i in range(3):
            m[i] = axis[i]
            t[i] = t0[i]
        for i in range(9):
            mean[i] = points[middle, i]
        for k in range(k_min, k_max + 1):
            for l in range(l_min, l_max + 1):
                if h == 0 and k == 0 and l == 0:
                    continue
                index[0], index[1], index[2] = h, k, l
                d2 = 0
                for i in range(3):
                    p = mean[3 * i] * h + mean[3 * i + 1] * k + mean[3 * i + 2] * l
                    d2 += p * p
                if d2 > max_inverse_d2:
                    continue
                for branch in range(2):
                    if not crossing(mean, index, m, t, branch, &phi):
                        continue
                    phi = phi_low + fmod(fmod(phi - phi_low, TWO_PI) + TWO_PI, TWO_PI)
                    turned = phi
                    # A crossing just below phi_low with the mean setting may lie above it with its own.
                    if turned - phi_low > TWO_PI - 0.05:
                        turned -= TWO_PI
                    while turned < phi_high + 0.05:
                        phi = turned
                        crosses = True
                        for step in range(4 if points.shape[0] > 1 else 1):
                            setting_at(points, (phi - phi_start) / phi_width, a)
                            crosses = crossing(a, index, m, t, branch, &p)
                            if not crosses:
                                break
                            previous = phi
                            phi = turned + fmod(fmod(p - turned + 0.5 * TWO_PI, TWO_PI) + TWO_PI, TWO_PI) - 0.5 * TWO_PI
                            if phi - previous < 1e-9 and previous - phi < 1e-9:
                                break
                        if crosses and phi_low <= phi < phi_high:
                            if n < hkl_out.shape[0]:
                                hkl_out[n, 0], hkl_out[n, 1], hkl_out[n, 2] = h, k, l
                                phi_out[n] = phi
                                frame_out[n] = (phi - phi_start) / phi_width
                            n += 1
                        turned += TWO_PI
    return n
