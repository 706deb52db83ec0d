"""Summation, profile fitting and learning, against the same written out with numpy and scipy, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from claim_holders import holders
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.interpolate import BSpline
from scipy.special import ndtr

from autoproc.integration.profiles import GRID_SIZE, SPACING, gaussian_coefficients
from autoproc.kernels.integrate_background import Background
from autoproc.kernels.integrate_fit import measure_shoeboxes, profile_equations
from autoproc.kernels.integrate_shoebox import (
    FREE,
    OTHER,
    OVERLOADED,
    OWN,
    UNTRUSTED,
    ClaimMap,
    Shoeboxes,
    claim_pixels,
)

RADIUS, N_IMAGES, MISSING_ERROR = 3.0, 6, 0.2


def shoeboxes(seed: int, n: int = 4, intensity: float = 800.0, width: float = 1.4, beside: int = 0) -> Shoeboxes:
    """Skewed spots near the middle of small boxes, with pixels of every kind that may occur.

    width : px; beside : pixels more on the left and on the right
    """
    rng = np.random.default_rng(seed)
    bbox = np.tile([3 - beside, 16 + beside, 5, 17, 1, 5], (n, 1))
    centre = np.column_stack([rng.uniform(8, 11, n), rng.uniform(10, 12, n), rng.uniform(2, 4, n)])
    transform = (np.eye(2) + 1.4 * rng.uniform(-0.15, 0.15, (n, 2, 2))) / width
    boxes = Shoeboxes.empty(bbox, centre, transform, rng.uniform(0.8, 2.0, n))
    boxes.counts[:], boxes.label[:] = UNTRUSTED, FREE
    for i in range(n):
        u, v, w = places(boxes, i)
        density = np.exp(-0.5 * (u**2 + v**2)) / (2 * np.pi) * abs(np.linalg.det(transform[i]))
        expected = intensity * density * np.exp(-0.5 * w**2) * boxes.rate[i] / np.sqrt(2 * np.pi) + 2.0
        part = slice(boxes.start[i], boxes.start[i + 1])
        boxes.counts[part] = rng.poisson(expected).ravel()
        kind = rng.random(boxes.counts[part].size)
        near = (u**2 + v**2 < (RADIUS + 0.5) ** 2).ravel()
        boxes.label[part] = np.where(kind < 0.05, OTHER, np.where(near, OWN, 0))
        boxes.counts[part][kind > 0.96] = UNTRUSTED
    return boxes


def places(boxes: Shoeboxes, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """eps1, eps2, eps3 in sigma of the middle of every pixel of a shoebox, (z, y, x)."""
    x0, x1, y0, y1, z0, z1 = boxes.bbox[i]
    z, y, x = np.meshgrid(*(np.arange(a, b) + 0.5 for a, b in ((z0, z1), (y0, y1), (x0, x1))), indexing="ij")
    dx, dy = x - boxes.centre[i, 0], y - boxes.centre[i, 1]
    t = boxes.transform[i]
    return t[0, 0] * dx + t[0, 1] * dy, t[1, 0] * dx + t[1, 1] * dy, boxes.rate[i] * (z - boxes.centre[i, 2])


def spline(points: np.ndarray) -> np.ndarray:
    """(..., G) cubic B-splines of the grid; where less than four reach, the profile has ended."""
    element = BSpline.basis_element(np.arange(-2.0, 3.0) * SPACING, extrapolate=False)
    centres = (np.arange(GRID_SIZE) - (GRID_SIZE - 1) / 2) * SPACING
    inside = np.abs(points) < (GRID_SIZE - 3) / 2 * SPACING
    return np.nan_to_num(element(points[..., None] - centres)) * inside[..., None]


def written_out(boxes, i, b, dispersion, n_used, profile, mean, gain, noise):
    """A row of measure_shoeboxes, as its documentation and Kabsch (2010) have it."""
    u, v, w = places(boxes, i)
    shape = u.shape
    part = slice(boxes.start[i], boxes.start[i + 1])
    counts, label = boxes.counts[part].reshape(shape), boxes.label[part].reshape(shape)
    density = np.maximum(np.einsum("...i,...j,ij->...", spline(v[0]), spline(u[0]), profile), 0)
    density = density / density.sum()
    rate, z = boxes.rate[i], boxes.centre[i, 2]
    edges = rate * (np.arange(boxes.bbox[i, 4], boxes.bbox[i, 5] + 1) - z)
    share = np.diff(ndtr(edges))[:, None, None]
    nearest = np.maximum(np.abs(w) - rate / 2, 0)
    peak = u**2 + v**2 + nearest**2 <= RADIUS**2
    p_all = density[None] * share
    bad = peak & (counts <= OVERLOADED)
    used = peak & ~bad & (label == OWN)
    p, c, n = p_all[used], counts[used] - b, int(used.sum())
    captured, raw = p.sum(), c.sum()
    valid = captured / p_all[peak].sum()
    partiality = ndtr(rate * (N_IMAGES - z)) - ndtr(-rate * z)
    floor = max(b, gain / n_used)
    var_b = gain * (floor + noise / gain) * max(dispersion, 1) / (0.95 * n_used)
    per_pixel = floor + noise / gain
    typical = (gain * (max(mean, 0) * captured + n * per_pixel) + n**2 * var_b) / captured**2

    def likely(intensity):
        if mean < 0:
            return max(intensity, 0)
        spread = max(mean**2, (intensity - mean) ** 2 - typical)
        return max((intensity * spread + mean * typical) / (spread + typical), 0)

    missing = MISSING_ERROR * (1 - valid)
    variance = gain * (likely(raw / captured) * captured + n * per_pixel) + n**2 * var_b
    scale = partiality / captured
    fit = raw / captured
    for _ in range(60):
        weight = 1 / (gain * (per_pixel + likely(fit) * p))
        fit = np.sum(weight * p * c) / np.sum(weight * p * p)
    spp, sp = np.sum(weight * p * p), np.sum(weight * p)
    return {
        0: raw * scale,
        1: variance * scale**2 + (missing * raw * scale) ** 2,
        2: fit,
        3: 1 / spp + (sp / spp) ** 2 * var_b + (missing * fit) ** 2,
        4: captured,
        5: valid,
        6: partiality,
        7: int(peak.sum()),
        8: int(bad.sum()),
        9: int((peak & (counts == OVERLOADED)).sum()),
        10: np.corrcoef(p, c)[0, 1],
        11: b * n,
        12: gain * (max(b, 0) + noise / gain) * n + var_b * n**2,
        16: n,
    }, (raw, variance)


def profile_of(seed: int) -> np.ndarray:
    """Learnt from noise, which leaves it below zero in places."""
    rng = np.random.default_rng(seed)
    gaussian = gaussian_coefficients()
    return gaussian * (1 + 0.2 * rng.uniform(-1, 1, gaussian.shape)) - 0.002 * gaussian.max()


@pytest.mark.parametrize(("width", "beside"), [(1.4, 0), (2.5, 0), (2.5, 90), (0.3, 1), (9.0, 60)])
@pytest.mark.parametrize(
    ("gain", "noise", "mean", "intensity"),
    [(1.0, 0.0, -1.0, 800.0), (1.0, 0.0, 30.0, 30.0), (1.0, 0.0, 900.0, 20.0), (2.5, 7.0, 200.0, 300.0)],
)
def test_every_number_is_that_of_the_definition(gain, noise, mean, intensity, width, beside):
    boxes = shoeboxes(1, intensity=intensity, width=width, beside=beside)
    boxes.counts[boxes.start[1] + (boxes.bbox[1, 1] - boxes.bbox[1, 0]) * 5 + 6 + beside] = OVERLOADED
    boxes.counts[boxes.start[2] : boxes.start[2] + np.prod(boxes.bbox[2, 1:4:2] - boxes.bbox[2, :4:2])] = OVERLOADED
    n = len(boxes)
    background = Background(
        np.array([2.0, 1.9, 0.0, 2.2]), np.array([1.0, 1.4, 0.8, 1.0]), np.array([90, 120, 70, 100], np.int32),
        np.full(n, 130, np.int32),
    )  # fmt: skip
    profiles, which = np.stack([profile_of(0), profile_of(1)]), np.array([0, 1, 1, 0])
    found = measure_shoeboxes(
        boxes, background, profiles, which, SPACING, np.full(n, mean), RADIUS, gain, N_IMAGES, MISSING_ERROR, noise
    ).table
    for i in range(n):
        expected, (raw, variance) = written_out(
            boxes, i, background.mean[i], background.dispersion[i], int(background.n_used[i]), profiles[which[i]],
            mean, gain, noise,
        )  # fmt: skip
        for column, value in expected.items():
            # the fit's iteration ends when it moves by less than a thousandth of its standard deviation
            near = {"rel": 2e-3, "abs": 0.02} if column in (2, 3) else {"rel": 1e-9, "abs": 1e-9}
            assert found[i, column] == pytest.approx(value, **near), column
        is_strong = raw > 0 and raw**2 > 9 * variance
        assert (not np.array_equal(found[i, 13:16], boxes.centre[i])) == is_strong


def test_a_peak_may_be_wider_than_its_profile():
    boxes = shoeboxes(4)
    n = len(boxes)
    background = Background(np.full(n, 2.0), np.ones(n), np.full(n, 90, np.int32), np.full(n, 90, np.int32))
    wide, narrow = (
        measure_shoeboxes(
            boxes, background, gaussian_coefficients()[None], np.zeros(n, int), spacing, np.full(n, -1.0), RADIUS, 1.0,
            N_IMAGES, 0.2,
        )
        for spacing in (SPACING, SPACING / 4)
    )  # fmt: skip
    assert narrow.n_foreground.tolist() == wide.n_foreground.tolist()
    assert narrow.n_used.tolist() == wide.n_used.tolist()


def test_the_centroid_of_a_strong_spot_is_the_mean_of_what_is_above_background():
    boxes = shoeboxes(2)
    n = len(boxes)
    background = Background(np.full(n, 2.0), np.ones(n), np.full(n, 90, np.int32), np.full(n, 90, np.int32))
    found = measure_shoeboxes(
        boxes, background, gaussian_coefficients()[None], np.zeros(n, int), SPACING, np.full(n, -1.0), RADIUS, 1.0,
        N_IMAGES, 0.2,
    )  # fmt: skip
    for i in range(n):
        u, v, w = places(boxes, i)
        part = slice(boxes.start[i], boxes.start[i + 1])
        counts, label = boxes.counts[part].reshape(u.shape), boxes.label[part].reshape(u.shape)
        nearest = np.maximum(np.abs(w) - boxes.rate[i] / 2, 0)
        used = (u**2 + v**2 + nearest**2 <= RADIUS**2) & (counts > OVERLOADED) & (label == OWN)
        place = np.argwhere(used)[:, ::-1] + 0.5 + boxes.bbox[i, ::2]
        weight = counts[used] - 2.0
        assert_allclose(found.centroid[i], weight @ place / weight.sum())


@pytest.mark.parametrize(("width", "beside"), [(1.4, 0), (2.5, 90), (9.0, 60)])
@pytest.mark.parametrize(("gain", "noise"), [(1.0, 0.0), (2.0, 5.0)])
def test_equations_of_a_profile_are_the_sums_over_pixels(gain, noise, width, beside):
    boxes = shoeboxes(3, width=width, beside=beside)
    n, error = len(boxes), 0.05
    background = Background(np.array([2.0, 1.0, -0.5, 2.0]), np.ones(n), np.ones(n, np.int32), np.ones(n, np.int32))
    intensity, rows = np.array([800.0, 700.0, 600.0, 500.0]), np.array([0, 2])
    normal, right = np.zeros((GRID_SIZE**2,) * 2), np.zeros(GRID_SIZE**2)
    for i in rows:
        u, v, w = places(boxes, i)
        u, v = u[0], v[0]
        part = slice(boxes.start[i], boxes.start[i + 1])
        counts, label = (a[part].reshape(w.shape) for a in (boxes.counts, boxes.label))
        ends = boxes.rate[i] * (boxes.bbox[i, 4:] - boxes.centre[i, 2])
        total = intensity[i] * abs(np.linalg.det(boxes.transform[i])) * (ndtr(ends[1]) - ndtr(ends[0]))
        usable = ((counts > OVERLOADED) & (label != OTHER)).all(axis=0)
        b, depth = background.mean[i], len(w)
        for y, x in np.argwhere(usable):
            row = np.outer(spline(v[y, x]), spline(u[y, x])).ravel()
            guess = np.exp(-0.5 * (u[y, x] ** 2 + v[y, x] ** 2)) / (2 * np.pi)
            variance = gain * (guess * total + (max(b, 0) + noise / gain) * depth + 1e-3)
            variance += error**2 * total**2 * (guess**2 + 1e-5)
            normal += total**2 / variance * np.outer(row, row)
            right += total**2 / variance * row * (counts[:, y, x] - b).sum() / total
    found = profile_equations(boxes, background, rows, intensity, GRID_SIZE, SPACING, gain, error, noise)
    assert_allclose(found[0], normal, rtol=1e-9, atol=1e-9 * normal.max())
    assert_allclose(found[1], right, rtol=1e-9, atol=1e-9 * np.abs(right).max())


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 2.0, 5.0]))
def test_a_pixel_is_the_nearest_reflections_unless_another_is_nearly_as_near(seed, margin):
    rng = np.random.default_rng(seed)
    n, shape, frame = 6, (14, 16), 3
    centre = rng.uniform([0, 0, 2], [16, 14, 6], (n, 3))
    transform, rate = np.eye(2) / 1.5 + rng.uniform(-0.2, 0.2, (n, 2, 2)), rng.uniform(0.5, 2, n)
    half = RADIUS * np.linalg.norm(np.linalg.inv(transform), axis=2)
    claims, contested = ClaimMap.of(np.ones(shape, np.uint8)), np.zeros(n, np.uint8)
    claim_pixels(frame, np.arange(n), centre, transform, rate, half, RADIUS, margin, claims, contested)
    marked = set()
    for y, x in np.ndindex(shape):
        off = np.array([x + 0.5, y + 0.5]) - centre[:, :2]
        eps = np.einsum("nij,nj->ni", transform, off)
        late = rate * np.maximum(np.maximum(frame - centre[:, 2], centre[:, 2] - frame - 1), 0)
        square = np.sum(eps**2, axis=1) + late**2
        inside = np.flatnonzero((square <= RADIUS**2) & (late < RADIUS))
        order = inside[np.argsort(square[inside])]
        if len(order) > 1:
            marked |= set(order.tolist())
        if not len(order):
            assert holders(claims)[y, x] == -1
        elif len(order) > 1 and square[order[1]] - square[order[0]] < margin:
            assert holders(claims)[y, x] == -2 - order[0]
        else:
            assert holders(claims)[y, x] == order[0]
    assert set(np.flatnonzero(contested)) == marked
