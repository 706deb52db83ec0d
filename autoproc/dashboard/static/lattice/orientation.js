// The view: which way reciprocal space is turned, as a quaternion (w, x, y, z), and as a matrix whose rows are the
// directions of the screen: right, up, and towards the eye.
import { cross, dot, scaled, sum, unit } from "./matrix.js";

export const STRAIGHT = [1, 0, 0, 0];

export function turnBy(q, axis, angle) {
  const [x, y, z] = scaled(unit(axis), Math.sin(angle / 2));
  return normal(multiplied([Math.cos(angle / 2), x, y, z], q));
}

export function matrixOf([w, x, y, z]) {
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
}

// Looking along `direction`, which points to the eye, with `right` as far to the right as it can be.
export function lookDown(direction, right) {
  const towards = unit(direction);
  const across = unit(sum(right, scaled(towards, -dot(right, towards))));
  return ofMatrix([across, cross(towards, across), towards]);
}

// On the way from one to the other, t from 0 to 1.
export function between(from, to, t) {
  const cosine = from.reduce((total, x, i) => total + x * to[i], 0);
  const way = cosine < 0 ? -1 : 1;
  return normal(from.map((x, i) => (1 - t) * x + t * way * to[i]));
}

function ofMatrix(m) {
  const w = Math.sqrt(Math.max(0, 1 + m[0][0] + m[1][1] + m[2][2])) / 2;
  const part = (i, sign) => {
    const size = Math.sqrt(Math.max(0, 1 + 2 * m[i][i] - m[0][0] - m[1][1] - m[2][2])) / 2;
    return sign < 0 ? -size : size;
  };
  if (w > 1e-4) {
    return normal([w, part(0, m[2][1] - m[1][2]), part(1, m[0][2] - m[2][0]), part(2, m[1][0] - m[0][1])]);
  }
  // half a turn: the signs are those of the products
  const sizes = [part(0, 1), part(1, 1), part(2, 1)];
  const largest = sizes.indexOf(Math.max(...sizes));
  const signed = sizes.map((size, i) => (i === largest || m[i][largest] + m[largest][i] >= 0 ? size : -size));
  return normal([w, ...signed]);
}

const multiplied = ([a, b, c, d], [w, x, y, z]) => [
  a * w - b * x - c * y - d * z, a * x + b * w + c * z - d * y,
  a * y - b * z + c * w + d * x, a * z + b * y - c * x + d * w,
];

function normal(q) {
  const size = Math.hypot(...q) || 1;
  return q.map((x) => x / size);
}
