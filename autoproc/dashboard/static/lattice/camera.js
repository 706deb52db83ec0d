// From reciprocal space to the screen: seen from far away, so that what is parallel stays so.
import { applied } from "./matrix.js";
import { matrixOf } from "./orientation.js";

const MARGIN = 0.92;

// extent : 1/Angstrom, the radius that just fits at zoom 1; width, height : px
export function cameraOf(state, extent, width, height) {
  const scale = ((MARGIN * Math.min(width, height)) / 2 / extent) * state.zoom;
  return {
    rows: matrixOf(state.turn), scale, width, height, extent,
    x: width / 2 - state.pan[0] * scale, y: height / 2 + state.pan[1] * scale,
  };
}

// [x, y, depth]: px from the upper left corner; depth from -1 (far) to 1 (near).
export function onScreen(camera, point) {
  const [x, y, z] = applied(camera.rows, point);
  return [camera.x + x * camera.scale, camera.y - y * camera.scale, z / camera.extent];
}
