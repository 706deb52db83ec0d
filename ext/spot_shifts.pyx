"""Shifts of spots that bring them to lattice points, and their derivatives; formulae in indexing/least_squares.py."""

from libc.math cimport cos, fabs, fmax, sin, sqrt


cdef extern from "vectors.h" nogil:
    double dot(const double* a, const double* b)
    void cross(const double* a, const double* b, double* out)


cdef inline void times(const double* matrix, const double* v, double* out) noexcept nogil:
    cdef int i
    for i in range(3):
        out[i] = dot(matrix + 3 * i, v)


cdef inline void across_ray(const double* unit, double per_mm, const double* v, double* out) noexcept nogil:
    """The change of s1 with a motion v of the point that it runs through."""
    cdef double along = dot(unit, v)
    cdef int i
    for i in range(3):
        out[i] = (v[i] - along * unit[i]) * per_mm


cdef inline void inverse_of_columns(const double* a, const double* b, const double* c, double* out) noexcept nogil:
    """Rows of the inverse of the matrix with columns a, b, c."""
    cdef double volume
    cdef int i
    cross(b, c, out)
    cross(c, a, out + 3)
    cross(a, b, out + 6)
    volume = dot(a, out)
    for i in range(9):
        out[i] /= volume


cdef inline void turned(const double[:, :, ::1] turn, double c, double s, double* out) noexcept nogil:
    cdef int i, j
    for i in range(3):
        for j in range(3):
            out[3 * i + j] = turn[0, i, j] + c * turn[1, i, j] + s * turn[2, i, j]


cdef inline void put(const double* column, const double* to_shift, double[:, :, ::1] out, Py_ssize_t n,
                     Py_ssize_t at) noexcept nogil:
    cdef double shift[3]
    cdef int i
    times(to_shift, column, shift)
    for i in range(3):
        out[n, i, at] = shift[i]


cdef void by_detector(const double* lab, const double* middle, const double* unit, double per_mm, const double* by_beam,
                      const double* to_shift, double[:, :, ::1] out, Py_ssize_t n, Py_ssize_t at) noexcept nogil:
    """Shifts along x, y, z, turns about them and the turn of the beam: seven columns from `at`."""
    cdef double arm[3]
    cdef double along[3]
    cdef double moved[3]
    cdef double change[3]
    cdef int i, k
    for i in range(3):
        arm[i] = lab[i] - middle[i]
    for k in range(3):
        for i in range(3):
            along[i] = -1.0 if i == k else 0.0
        across_ray(unit, per_mm, along, change)
        put(change, to_shift, out, n, at + k)
        cross(along, arm, moved)
        across_ray(unit, per_mm, moved, change)
        put(change, to_shift, out, n, at + 3 + k)
    put(by_beam, to_shift, out, n, at + 6)


def shifts(const double[:, ::1] lab, const Py_ssize_t[::1] panel, const double[:, :, ::1] panel_axes,
           const double[::1] phi, const double[:, ::1] hkl, double wavelength, const double[::1] s0,
           const double[:, :, ::1] to_lab, const double[::1] lab_axis, const double[:, ::1] A,
           const double[:, :, ::1] modes, const double[::1] middle, const double[::1] by_beam, bint move_detector,
           bint turn_crystal, double min_zeta, Py_ssize_t[::1] row, double[::1] zeta, double[:, ::1] residual,
           double[:, :, ::1] out):
    """How many of the spots are steep enough; their rows, zetas, residuals and derivatives stand first."""
    cdef Py_ssize_t spot, m, at, n = 0
    cdef int i, k
    cdef double length, per_mm
    cdef double unit[3]
    cdef double q[3]
    cdef double crystal[3]
    cdef double changed[3]
    cdef double axis[3]
    cdef double on_fast[3]
    cdef double on_slow[3]
    cdef double on_phi[3]
    cdef double rotation[9]
    cdef double to_shift[9]
    with nogil:
        for spot in range(lab.shape[0]):
            length = sqrt(dot(&lab[spot, 0], &lab[spot, 0]))
            per_mm = 1 / (wavelength * length)
            for i in range(3):
                unit[i] = lab[spot, i] / length
            cross(unit, &s0[0], changed)
            row[n] = spot
            zeta[n] = dot(changed, &lab_axis[0]) / fmax(sqrt(dot(changed, changed)), 1e-12)
            if not fabs(zeta[n]) > min_zeta:
                continue
            turned(to_lab, cos(phi[spot]), sin(phi[spot]), rotation)
            times(&A[0, 0], &hkl[spot, 0], crystal)
            times(rotation, crystal, q)
            across_ray(unit, per_mm, &panel_axes[panel[spot], 0, 0], on_fast)
            across_ray(unit, per_mm, &panel_axes[panel[spot], 1, 0], on_slow)
            cross(q, &lab_axis[0], on_phi)
            inverse_of_columns(on_fast, on_slow, on_phi, to_shift)
            for i in range(3):
                changed[i] = q[i] - (unit[i] / wavelength - s0[i])
            times(to_shift, changed, &residual[n, 0])
            at = 0
            for m in range(modes.shape[0]):
                times(&modes[m, 0, 0], crystal, changed)
                times(rotation, changed, q)
                put(q, to_shift, out, n, at + m)
            at = modes.shape[0]
            if move_detector:
                by_detector(&lab[spot, 0], &middle[0], unit, per_mm, &by_beam[0], to_shift, out, n, at)
                at += 7
            if turn_crystal:
                for k in range(3):
                    for i in range(3):
                        axis[i] = 1.0 if i == k else 0.0
                    cross(axis, crystal, changed)
                    times(rotation, changed, q)
                    put(q, to_shift, out, n, at + k)
            n += 1
    return n
