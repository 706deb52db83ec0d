// Vectors of 3 and matrices of 3 rows of 3, as plain arrays.
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0],
];
export const scaled = (a, k) => a.map((x) => x * k);
export const sum = (...vectors) => vectors.reduce((a, b) => a.map((x, i) => x + b[i]));
export const length = (a) => Math.hypot(...a);
export const unit = (a) => scaled(a, 1 / (length(a) || 1));
export const transposed = (m) => [0, 1, 2].map((i) => m.map((row) => row[i]));
export const applied = (m, v) => m.map((row) => dot(row, v));
export const product = (m, n) => transposed(transposed(n).map((column) => applied(m, column)));
export const IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

export function inverse(m) {
  const [a, b, c] = transposed(m);
  const volume = dot(a, cross(b, c)) || 1;
  return [scaled(cross(b, c), 1 / volume), scaled(cross(c, a), 1 / volume), scaled(cross(a, b), 1 / volume)];
}
