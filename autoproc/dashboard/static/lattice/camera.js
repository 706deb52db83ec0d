// From reciprocal space to the screen: seen from far away, so that what is parallel stays so.
import { applied } from "./matrix.js";
import { matrixOf } from "./orientation.js";

const MARGIN = 0.92;
const SAFE = 1.5; // of the extent: few spots are farther out than it

// extent : 1/Angstrom, the radius that just fits at zoom 1; width, height : px
// depth : 1/Angstrom, on either side of the origin's plane, of what is seen
export function cameraOf(state, extent, width, height) {
  const scale = ((MARGIN * Math.min(width, height)) / 2 / extent) * state.zoom;
  return {
    rows: matrixOf(state.turn), scale, width, height, depth: SAFE * extent * state.slab,
    x: width / 2 - state.pan[0] * scale, y: height / 2 + state.pan[1] * scale,
  };
}

// [x, y]: px from the upper left corner.
export function onScreen(camera, point) {
  const [x, y] = applied(camera.rows, point);
  return [camera.x + x * camera.scale, camera.y - y * camera.scale];
}
