// Vectors of three numbers, and matrices as nine, row by row.

export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const scaled = (a, factor) => [a[0] * factor, a[1] * factor, a[2] * factor];
export const sum = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const difference = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const length = (a) => Math.hypot(a[0], a[1], a[2]);
export const unit = (a) => scaled(a, 1 / length(a));
export const times = (m, v) => [dot(m.slice(0, 3), v), dot(m.slice(3, 6), v), dot(m.slice(6, 9), v)];
export const transposed = (m) => [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];

export function inverse(m) {
  const rows = [m.slice(0, 3), m.slice(3, 6), m.slice(6, 9)];
  const [a, b, c] = [cross(rows[1], rows[2]), cross(rows[2], rows[0]), cross(rows[0], rows[1])];
  const volume = dot(rows[0], a);
  return transposed([...a, ...b, ...c].map((value) => value / volume));
}

// A vector turned about a unit axis by an angle in radians.
export function turned(axis, angle, v) {
  const along = scaled(axis, dot(axis, v));
  return sum(along, sum(scaled(difference(v, along), Math.cos(angle)), scaled(cross(axis, v), Math.sin(angle))));
}
