"""Where spots lie, from pixels to the laboratory and to reciprocal space; compare geometry/detector.py."""

from libc.math cimport cos, exp, fabs, fmax, sin, sqrt

cdef int OF_PANEL = 16
"""Numbers that a panel is told by: origin, fast, slow and normal, three each, size of a pixel, thickness and mu."""


cdef extern from "vectors.h" nogil:
    double dot(const double* a, const double* b)
    void cross(const double* a, const double* b, double* out)


cdef inline void on_panel(const double* panel, double x, double y, double* out) noexcept nogil:
    cdef int i
    for i in range(3):
        out[i] = panel[i] + x * panel[3 + i] + y * panel[6 + i]


def lab_positions(const double[:, ::1] xy_px, const Py_ssize_t[::1] panel, const double[:, ::1] panels,
                  double[:, ::1] lab):
    cdef Py_ssize_t n
    cdef double x, y, length, path, depth, mu
    cdef const double* one
    with nogil:
        for n in range(xy_px.shape[0]):
            one = &panels[panel[n], 0]
            x, y = xy_px[n, 0] * one[12], xy_px[n, 1] * one[13]
            on_panel(one, x, y, &lab[n, 0])
            mu = one[15]
            if mu > 0 and one[14] > 0:
                length = sqrt(dot(&lab[n, 0], &lab[n, 0]))
                path = one[14] * length / fabs(dot(&lab[n, 0], one + 9))
                depth = (1 / mu - (path + 1 / mu) * exp(-mu * path)) / length
                x -= depth * dot(&lab[n, 0], one + 3)
                y -= depth * dot(&lab[n, 0], one + 6)
                on_panel(one, x, y, &lab[n, 0])


def reciprocal_points(const double[:, ::1] lab, const double[::1] phi, double wavelength, const double[::1] s0,
                      const double[:, :, ::1] to_crystal, const double[::1] lab_axis, const double[::1] axis,
                      double width, double min_zeta, double[:, ::1] s1, double[:, ::1] rlp, double[::1] d,
                      double[:, ::1] smear):
    cdef Py_ssize_t n
    cdef int i, j
    cdef double scale, c, s, steepness
    cdef double r[3]
    cdef double across[3]
    with nogil:
        for n in range(lab.shape[0]):
            scale = 1 / (sqrt(dot(&lab[n, 0], &lab[n, 0])) * wavelength)
            for i in range(3):
                s1[n, i] = lab[n, i] * scale
                r[i] = s1[n, i] - s0[i]
            c, s = cos(phi[n]), sin(phi[n])
            for j in range(3):
                rlp[n, j] = 0.0
                for i in range(3):
                    rlp[n, j] += r[i] * (to_crystal[0, i, j] + c * to_crystal[1, i, j] + s * to_crystal[2, i, j])
            d[n] = 1 / fmax(sqrt(dot(&rlp[n, 0], &rlp[n, 0])), 1e-12)
            cross(&s1[n, 0], &s0[0], across)
            steepness = fabs(dot(across, &lab_axis[0])) / fmax(sqrt(dot(across, across)), 1e-12)
            cross(&axis[0], &rlp[n, 0], across)
            for i in range(3):
                smear[n, i] = width * across[i] / fmax(steepness, min_zeta)
