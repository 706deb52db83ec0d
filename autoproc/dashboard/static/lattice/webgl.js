// Points drawn by the graphics card.
const VERTEX = `#version 300 es
in vec3 position;
in uint number;
uniform mat3 rows;
uniform vec4 place; // of the origin in x, y; scale in x, y; all as parts of half the canvas
uniform float depth, size;
uniform sampler2D colours;
uniform vec3 paper;
out vec3 tint;
void main() {
  vec3 seen = position * rows;
  float near = seen.z / depth;
  gl_Position = vec4(place.xy + seen.xy * place.zw, -near, 1.0);
  gl_PointSize = size;
  tint = mix(texelFetch(colours, ivec2(number, 0), 0).rgb, paper, 0.325 * (1.0 - near));
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec3 tint;
uniform float round_from;
out vec4 colour;
void main() {
  vec2 off = gl_PointCoord - 0.5;
  if (dot(off, off) > round_from) discard;
  colour = vec4(tint, 1.0);
}`;
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;
const ROUND = 4; // px from which a point is round

export class WebGL {
  name = "webgl";

  // Throws where the browser has no graphics card to draw with.
  constructor(canvas, inSoftware = false) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, powerPreference: "high-performance" });
    if (!gl) throw new Error("this browser has no WebGL 2");
    if (!inSoftware && drawsInSoftware(gl)) throw new Error("WebGL is drawn without a graphics card");
    this.gl = gl;
    this.canvas = canvas;
    this.program = programOf(gl);
    gl.useProgram(this.program);
    this.at = Object.fromEntries(
      ["rows", "place", "depth", "size", "colours", "paper", "round_from"].map((name) => [
        name, gl.getUniformLocation(this.program, name),
      ]),
    );
    this.positions = this.attribute("position", (at) => gl.vertexAttribPointer(at, 3, gl.FLOAT, false, 0, 0));
    this.numbers = this.attribute("number", (at) => gl.vertexAttribIPointer(at, 1, gl.UNSIGNED_BYTE, 0, 0));
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.enable(gl.DEPTH_TEST);
  }

  attribute(name, describe) {
    const buffer = this.gl.createBuffer(), at = this.gl.getAttribLocation(this.program, name);
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, buffer);
    this.gl.enableVertexAttribArray(at);
    describe(at);
    return buffer;
  }

  fill(positions, numbers) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.positions);
    gl.bufferData(gl.ARRAY_BUFFER, positions, gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.numbers);
    gl.bufferData(gl.ARRAY_BUFFER, numbers, gl.DYNAMIC_DRAW);
    this.n = numbers.length;
  }

  paint(colours, paper) {
    const { gl } = this;
    const bytes = new Uint8Array(colours.flat());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, colours.length, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, bytes);
    const [r, g, b] = paper.map((x) => x / 255);
    gl.uniform3f(this.at.paper, r, g, b);
    gl.clearColor(r, g, b, 1);
  }

  draw(camera, size) {
    const { gl, at } = this, { width, height } = this.canvas;
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniformMatrix3fv(at.rows, false, camera.rows.flat());
    gl.uniform4f(
      at.place, (2 * camera.x) / width - 1, 1 - (2 * camera.y) / height,
      (2 * camera.scale) / width, (2 * camera.scale) / height,
    );
    gl.uniform1f(at.depth, camera.depth);
    gl.uniform1f(at.size, size);
    gl.uniform1f(at.round_from, size >= ROUND ? 0.25 : 1);
    if (this.n) gl.drawArrays(gl.POINTS, 0, this.n);
  }
}

function drawsInSoftware(gl) {
  const facts = gl.getExtension("WEBGL_debug_renderer_info");
  return SOFTWARE.test(gl.getParameter(facts ? facts.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

function programOf(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  return program;
}
