// Where a pixel is in reciprocal space, and where rings of resolution and directions meet the detector.
import { cross, difference, dot, inverse, length, scaled, sum, times, transposed, turned, unit } from "./vectors.js";

const RING_POINTS = 256;

export class Geometry {
  constructor(facts) {
    this.facts = facts;
    this.m = facts.models;
    const { fast, slow, origin } = this.m;
    this.normal = cross(fast, slow);
    this.toPanel = inverse([fast[0], slow[0], origin[0], fast[1], slow[1], origin[1], fast[2], slow[2], origin[2]]);
  }

  // By how much a ray is seen beside where it enters the sensor, mm.
  #shift([x, y]) {
    const { mu, thickness, fast, slow } = this.m;
    if (!(mu > 0 && thickness > 0)) return [0, 0];
    const ray = unit(this.#lab([x, y]));
    const path = thickness / Math.abs(dot(ray, this.normal));
    const depth = 1 / mu - (path + 1 / mu) * Math.exp(-mu * path);
    return [depth * dot(ray, fast), depth * dot(ray, slow)];
  }

  #lab([x, y]) {
    return sum(this.m.origin, sum(scaled(this.m.fast, x), scaled(this.m.slow, y)));
  }

  mm([x, y]) {
    const at = [x * this.m.pixel[0], y * this.m.pixel[1]];
    const shift = this.#shift(at);
    return [at[0] - shift[0], at[1] - shift[1]];
  }

  // Of a position in pixels: the change of the wave vector, 1/Angstrom.
  q(px) {
    return difference(scaled(unit(this.#lab(this.mm(px))), 1 / this.m.wavelength), this.m.s0);
  }

  d(px) {
    return 1 / length(this.q(px));
  }

  // Pixels where a ray along a vector is seen; null where it never meets the detector.
  seen(ray) {
    const [x, y, w] = times(this.toPanel, ray);
    if (!(w > 1e-9)) return null;
    const at = [x / w, y / w];
    const shift = this.#shift(at);
    return [(at[0] + shift[0]) / this.m.pixel[0], (at[1] + shift[1]) / this.m.pixel[1]];
  }

  // The rotation at an image's middle, degrees; image : its number, as in the file's name.
  phi(image) {
    const [start, width] = this.facts.oscillation;
    return start + width * (image - this.facts.images[0] + 0.5);
  }

  // Miller indices, as fractions, of a pixel on an image; setting : of a lattice, 1/Angstrom.
  hkl(px, image, setting) {
    const { axis, fixed, setting: outer } = this.m;
    const still = turned(axis, (-this.phi(image) * Math.PI) / 180, times(transposed(outer), this.q(px)));
    return times(inverse(setting), times(transposed(fixed), still));
  }

  // A closed line of pixels at a resolution, with gaps (null) where it leaves the detector's side.
  ring(d) {
    const sine = this.m.wavelength / (2 * d);
    if (sine >= 1) return [];
    const twoTheta = 2 * Math.asin(sine);
    const along = unit(this.m.s0);
    const across = unit(cross(along, Math.abs(along[1]) < 0.9 ? [0, 1, 0] : [1, 0, 0]));
    const third = cross(along, across);
    const ray = (angle) => sum(scaled(along, Math.cos(twoTheta)), scaled(
      sum(scaled(across, Math.cos(angle)), scaled(third, Math.sin(angle))), Math.sin(twoTheta)));
    return Array.from({ length: RING_POINTS + 1 }, (_, n) => this.seen(ray((2 * Math.PI * n) / RING_POINTS)));
  }

  // Two pixels on the line along which the rotation axis is seen, through the beam.
  rotationAxis() {
    const axis = times(this.m.setting, this.m.axis);
    const centre = unit(this.m.s0);
    const across = difference(axis, scaled(centre, dot(axis, centre)));
    if (length(across) < 1e-3) return null;
    return [-0.7, 0.7].map((part) => this.seen(sum(centre, scaled(unit(across), part))));
  }
}
