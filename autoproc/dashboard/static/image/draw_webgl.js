// Draws tiles with the graphics card: counts are there as they are, and become colours as they are drawn.

const VERTEX = `#version 300 es
uniform vec4 place; // of the tile on the canvas: left, top, width, height, as parts of it
uniform vec2 size;
out vec2 at;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  at = corner * size;
  vec2 where = place.xy + corner * place.zw;
  gl_Position = vec4(where.x * 2.0 - 1.0, 1.0 - where.y * 2.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D codes;
uniform sampler2D map;
uniform uint top;
uniform ivec2 most;
uniform vec4 range; // low, high, value of code 1, value of a step
uniform bool isLog;
uniform vec3 gap, over;
in vec2 at;
out vec4 colour;
void main() {
  uint code = texelFetch(codes, clamp(ivec2(at), ivec2(0), most), 0).r;
  if (code == 0u) { colour = vec4(gap, 1.0); return; }
  if (code == top) { colour = vec4(over, 1.0); return; }
  float value = float(code - 1u) * range.w + range.z;
  float width = max(range.y - range.x, 1e-9);
  float part = clamp((value - range.x) / width, 0.0, 1.0);
  if (isLog) part = log(1.0 + part * max(width, 1.0)) / log(1.0 + max(width, 1.0));
  colour = texture(map, vec2((part * 255.0 + 0.5) / 256.0, 0.5));
}`;

const NAMES = ["place", "size", "codes", "map", "top", "most", "range", "isLog", "gap", "over"];

export class WebglPainter {
  // Null where there is no WebGL2.
  static on(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, powerPreference: "high-performance" });
    return gl ? new WebglPainter(canvas, gl) : null;
  }

  constructor(canvas, gl) {
    Object.assign(this, { canvas, gl, kind: "webgl2" });
    this.#prepare();
    this.isLost = false;
    canvas.addEventListener("webglcontextlost", (event) => { event.preventDefault(); this.isLost = true; });
    canvas.addEventListener("webglcontextrestored", () => { this.isLost = false; this.age += 1; this.#prepare(); });
    this.age = 0; // textures of an earlier age are gone
  }

  #prepare() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    this.at = Object.fromEntries(NAMES.map((name) => [name, gl.getUniformLocation(program, name)]));
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.map = this.#texture(1);
    gl.uniform1i(this.at.codes, 0);
    gl.uniform1i(this.at.map, 1);
  }

  #texture(place) {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + place);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    return texture;
  }

  #uploaded(tile) {
    const { gl } = this;
    if (tile.texture && tile.age === this.age) {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, tile.texture);
      return;
    }
    tile.texture = this.#texture(0);
    tile.age = this.age;
    const [inside, type] = tile.top === 0xff ? [gl.R8UI, gl.UNSIGNED_BYTE]
      : tile.top === 0xffff ? [gl.R16UI, gl.UNSIGNED_SHORT] : [gl.R32UI, gl.UNSIGNED_INT];
    gl.texImage2D(gl.TEXTURE_2D, 0, inside, tile.width, tile.height, 0, gl.RED_INTEGER, type, tile.codes);
  }

  release(tile) {
    if (tile.texture) this.gl.deleteTexture(tile.texture);
    tile.texture = null;
  }

  // pieces : [tile, left, top, width, height] in pixels of the canvas, the later over the earlier
  paint(pieces, look) {
    const { gl, at, canvas } = this;
    if (this.isLost) return;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(...look.around.map((part) => part / 255), 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.map);
    if (this.mapShown !== look.map || this.mapAge !== this.age) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, look.map);
      [this.mapShown, this.mapAge] = [look.map, this.age];
    }
    gl.uniform4f(at.range, look.low, look.high, look.lowest, look.step);
    gl.uniform1i(at.isLog, look.isLog ? 1 : 0);
    gl.uniform3f(at.gap, ...look.gap.map((part) => part / 255));
    gl.uniform3f(at.over, ...look.over.map((part) => part / 255));
    for (const [tile, left, top, width, height] of pieces) {
      this.#uploaded(tile);
      gl.uniform4f(at.place, left / canvas.width, top / canvas.height, width / canvas.width, height / canvas.height);
      gl.uniform2f(at.size, tile.width, tile.height);
      gl.uniform2i(at.most, tile.width - 1, tile.height - 1);
      gl.uniform1ui(at.top, tile.top);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }
}
