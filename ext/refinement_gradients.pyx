"""Predicted spot positions and their derivatives; the formulae are in autoproc/refinement/gradients.py."""

from libc.math cimport NAN, acos, atan2, cos, floor, sin, sqrt

cdef double PI = 3.141592653589793
cdef double TWO_PI = 6.283185307179586


cdef extern from "vectors.h" nogil:
    double dot(const double* a, const double* b)
    void cross(const double* a, const double* b, double* out)


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


cdef inline void matrix_times(const double* matrix, const double* v, double* out) noexcept nogil:
    cdef int i
    for i in range(3):
        out[i] = dot(matrix + 3 * i, v)


cdef inline void turn_by_vector(const double* omega, double* v) noexcept nogil:
    """v becomes exp(omega) v."""
    cdef double square = dot(omega, omega), angle = sqrt(square), c0, c1
    cdef double once[3]
    cdef double twice[3]
    cdef int i
    if square == 0.0:
        return
    if angle > 1e-3:
        c0 = sin(angle) / angle
        c1 = sin(0.5 * angle)
        c1 = 2.0 * c1 * c1 / square
    else:
        c0, c1 = 1.0 - square / 6 * (1.0 - square / 20), 0.5 - square / 24 * (1.0 - square / 30)
    cross(omega, v, once)
    cross(omega, once, twice)
    for i in range(3):
        v[i] += c0 * once[i] + c1 * twice[i]


cdef inline void lattice_vector(const double* hkl, const double* B, const double* U, const double* omega,
                                const double* strain, const double* active, Py_ssize_t n_active,
                                double* q) noexcept nogil:
    """exp(omega) U (1 + E) B hkl, with omega (n, 3) and E (n, 6: xx, yy, zz, yz, xz, xy) weighted by `active`."""
    cdef double turn[3]
    cdef double e[6]
    cdef double b[3]
    cdef double stretched[3]
    cdef Py_ssize_t i, n
    for i in range(3):
        turn[i] = 0.0
    for i in range(6):
        e[i] = 0.0
    for n in range(n_active):
        for i in range(3):
            turn[i] += active[n] * omega[3 * n + i]
        for i in range(6):
            e[i] += active[n] * strain[6 * n + i]
    matrix_times(B, hkl, b)
    stretched[0] = (1.0 + e[0]) * b[0] + e[5] * b[1] + e[4] * b[2]
    stretched[1] = e[5] * b[0] + (1.0 + e[1]) * b[1] + e[3] * b[2]
    stretched[2] = e[4] * b[0] + e[3] * b[1] + (1.0 + e[2]) * b[2]
    matrix_times(U, stretched, q)
    turn_by_vector(turn, q)


def positions(const double[:, ::1] hkl, const unsigned char[::1] entering, const double[::1] near,
              const Py_ssize_t[::1] panel, const Py_ssize_t[::1] first, const double[:, ::1] active,
              const double[:, ::1] omega, const double[:, ::1] strain, const double[:, ::1] U,
              const double[:, ::1] B, const double[:, :, ::1] inverse_d, const double[::1] s0,
              const double[::1] axis, const double[:, ::1] setting, const double[:, ::1] fixed,
              double[:, ::1] xyz, double[:, ::1] q, double[:, ::1] r, double[:, ::1] s1):
    cdef Py_ssize_t n, n_active = active.shape[1]
    cdef int i
    cdef double along, a, b, c, half, angle
    cdef double t[3]
    cdef double p[3]
    cdef double across[3]
    cdef double v[3]
    cdef double t_along
    with nogil:
        transposed_times(&setting[0, 0], &s0[0], t)
        t_along = dot(t, &axis[0])
        for n in range(hkl.shape[0]):
            lattice_vector(&hkl[n, 0], &B[0, 0], &U[0, 0], &omega[first[n], 0], &strain[first[n], 0],
                           &active[n, 0], n_active, &q[n, 0])
            matrix_times(&fixed[0, 0], &q[n, 0], p)
            along = dot(p, &axis[0])
            cross(&axis[0], p, across)
            a, b = dot(p, t) - along * t_along, dot(across, t)
            c = -0.5 * dot(p, p) - along * t_along
            half = acos(c / sqrt(a * a + b * b))
            angle = atan2(b, a) + (half if entering[n] else -half) - near[n]
            angle = near[n] + angle - TWO_PI * floor((angle + PI) / TWO_PI)
            a, b = cos(angle), sin(angle)
            for i in range(3):
                v[i] = along * axis[i] + a * (p[i] - along * axis[i]) + b * across[i]
            matrix_times(&setting[0, 0], v, &r[n, 0])
            for i in range(3):
                s1[n, i] = r[n, i] + s0[i]
            matrix_times(&inverse_d[panel[n], 0, 0], &s1[n, 0], v)
            xyz[n, 0] = v[0] / v[2] if v[2] > 0 else NAN
            xyz[n, 1] = v[1] / v[2] if v[2] > 0 else NAN
            xyz[n, 2] = angle


def gradients(const double[:, ::1] xyz, const double[:, ::1] q, const double[:, ::1] r, const double[:, ::1] s1,
              const double[:, ::1] b, const double[:, ::1] omega, const Py_ssize_t[::1] panel,
              const double[:, :, ::1] inverse_d, const double[:, ::1] directions, const double[::1] centre,
              const double[:, ::1] ds0, const double[::1] lab_axis, const double[::1] axis,
              const double[:, ::1] setting, const double[:, ::1] fixed, const double[:, ::1] U,
              const double[:, ::1] voigt, const Py_ssize_t[::1] of_detector, const Py_ssize_t[::1] of_crystal,
              const double[:, ::1] active, const double[:, ::1] root, double[:, :, ::1] out):
    cdef Py_ssize_t n, column, j, m
    cdef int row, i, k = voigt.shape[1]
    cdef double depth, speed, slope, c, s
    cdef double w[3]
    cdef double arm[3]
    cdef double face[3]
    cdef double response[3]
    cdef double g[9]
    cdef double by_detector[6]
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
            for i in range(6):
                by_detector[i] = 0.0
            for row in range(3):
                slope = 1.0 / speed
                for i in range(3):
                    face[i] = 0.0 if row == 2 else (inverse[3 * row + i] - xyz[n, row] * inverse[6 + i]) / depth
                if row < 2:
                    slope = dot(face, w) / speed
                    for i in range(3):
                        response[i] = face[i] * depth
                    detector_rows(response, arm, &directions[0, 0], by_detector)
                column = 0
                for j in range(of_detector.shape[0]):
                    out[n, row, column] = 0.0 if row == 2 else by_detector[of_detector[j]] * root[n, row]
                    column += 1
                for j in range(ds0.shape[0]):
                    out[n, row, column] = (dot(face, &ds0[j, 0]) - slope * dot(&r[n, 0], &ds0[j, 0])) * root[n, row]
                    column += 1
                for i in range(3):
                    response[i] = face[i] - slope * s1[n, i]
                transposed_times(&setting[0, 0], response, lab)
                turn_back(&axis[0], c, s, lab)
                transposed_times(&fixed[0, 0], lab, response)
                cross(&q[n, 0], response, g)
                by_rotation_vector(&omega[n, 0], g, response)
                transposed_times(&U[0, 0], response, stretch)
                strain_row(stretch, &b[n, 0], &voigt[0, 0], k, g + 3)
                for m in range(active.shape[1]):
                    for j in range(of_crystal.shape[0]):
                        out[n, row, column] = g[of_crystal[j]] * active[n, m] * root[n, row]
                        column += 1
