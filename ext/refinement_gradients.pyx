"""Derivatives of predicted spot positions; the formulae are in autoproc/refinement/gradients.py."""

from libc.math cimport cos, sin, sqrt


cdef inline double dot(const double* a, const double* b) noexcept nogil:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


cdef inline void cross(const double* a, const double* b, double* out) noexcept nogil:
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]


cdef inline void transposed_times(const double* matrix, const double* v, double* out) noexcept nogil:
    cdef int j
    for j in range(3):
        out[j] = matrix[j] * v[0] + matrix[3 + j] * v[1] + matrix[6 + j] * v[2]


cdef inline void turn_back(const double* axis, double c, double s, double* v) noexcept nogil:
    """v becomes R(axis, phi)^T v, with c = cos(phi) and s = sin(phi)."""
    cdef double turned[3]
    cdef double along = (1.0 - c) * dot(axis, v)
    cdef int i
    cross(axis, v, turned)
    for i in range(3):
        v[i] = c * v[i] - s * turned[i] + along * axis[i]


cdef inline void by_rotation_vector(const double* omega, double* g, double* stretch) noexcept nogil:
    """g becomes the gradient in omega itself; stretch becomes exp(-omega) stretch."""
    cdef double square = dot(omega, omega), angle = sqrt(square), c0, c1, c2
    cdef double once[3]
    cdef double twice[3]
    cdef int i
    if square == 0.0:
        return
    if angle > 1e-3:
        c0 = sin(angle) / angle
        c1 = (1.0 - cos(angle)) / square
        c2 = (1.0 - c0) / square
    else:
        c0, c1, c2 = 1.0 - square / 6, 0.5 - square / 24, 1.0 / 6
    cross(omega, g, once)
    cross(omega, once, twice)
    for i in range(3):
        g[i] += c2 * twice[i] - c1 * once[i]
    cross(omega, stretch, once)
    cross(omega, once, twice)
    for i in range(3):
        stretch[i] += c1 * twice[i] - c0 * once[i]


cdef void detector_rows(const double* face, const double* arm, const double* directions, double* out) noexcept nogil:
    cdef double moved[3]
    cdef int k
    for k in range(3):
        out[k] = -dot(face, directions + 3 * k)
        cross(directions + 3 * k, arm, moved)
        out[3 + k] = -dot(face, moved)


cdef void strain_row(const double* stretch, const double* b, const double* voigt, int k, double* out) noexcept nogil:
    cdef double component[6]
    cdef double total
    cdef int i, n
    for i in range(3):
        component[i] = stretch[i] * b[i]
    component[3] = stretch[1] * b[2] + stretch[2] * b[1]
    component[4] = stretch[0] * b[2] + stretch[2] * b[0]
    component[5] = stretch[0] * b[1] + stretch[1] * b[0]
    for n in range(k):
        total = 0.0
        for i in range(6):
            total += component[i] * voigt[i * k + n]
        out[n] = total


def gradients(const double[:, ::1] xyz, const double[:, ::1] q, const double[:, ::1] r, const double[:, ::1] s1,
              const double[:, ::1] b, const double[:, ::1] omega, const Py_ssize_t[::1] panel,
              const double[:, :, ::1] inverse_d, const double[:, ::1] directions, const double[::1] centre,
              const double[:, ::1] ds0, const double[::1] lab_axis, const double[::1] axis,
              const double[:, ::1] setting, const double[:, ::1] fixed, const double[:, ::1] U,
              const double[:, ::1] voigt, double[:, :, ::1] by_detector, double[:, :, ::1] by_beam,
              double[:, :, ::1] by_crystal):
    cdef Py_ssize_t n
    cdef int row, i, j, k = voigt.shape[1], n_beam = ds0.shape[0]
    cdef double depth, speed, slope, c, s
    cdef double w[3]
    cdef double arm[3]
    cdef double face[3]
    cdef double response[3]
    cdef double g[3]
    cdef double lab[3]
    cdef double stretch[3]
    cdef const double* inverse
    with nogil:
        for n in range(xyz.shape[0]):
            inverse = &inverse_d[panel[n], 0, 0]
            depth = dot(inverse + 6, &s1[n, 0])
            cross(&lab_axis[0], &r[n, 0], w)
            speed = dot(&s1[n, 0], w)
            c, s = cos(xyz[n, 2]), sin(xyz[n, 2])
            for i in range(3):
                arm[i] = s1[n, i] / depth - centre[i]
            for row in range(3):
                slope = 1.0 / speed
                for i in range(3):
                    face[i] = 0.0 if row == 2 else (inverse[3 * row + i] - xyz[n, row] * inverse[6 + i]) / depth
                if row < 2:
                    slope = dot(face, w) / speed
                    for i in range(3):
                        response[i] = face[i] * depth
                    detector_rows(response, arm, &directions[0, 0], &by_detector[n, row, 0])
                for j in range(n_beam):
                    by_beam[n, row, j] = dot(face, &ds0[j, 0]) - slope * dot(&r[n, 0], &ds0[j, 0])
                for i in range(3):
                    response[i] = face[i] - slope * s1[n, i]
                transposed_times(&setting[0, 0], response, lab)
                turn_back(&axis[0], c, s, lab)
                transposed_times(&fixed[0, 0], lab, response)
                cross(&q[n, 0], response, g)
                by_rotation_vector(&omega[n, 0], g, response)
                transposed_times(&U[0, 0], response, stretch)
                for i in range(3):
                    by_crystal[n, row, i] = g[i]
                strain_row(stretch, &b[n, 0], &voigt[0, 0], k, &by_crystal[n, row, 3])
