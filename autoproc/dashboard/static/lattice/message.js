// Points as bytes (autoproc/viewing/lattice_message.py): typed arrays that look into the message, without copies.
const ARRAYS = { float32: Float32Array, int16: Int16Array, uint16: Uint16Array, uint32: Uint32Array };

export function readMessage(buffer) {
  const bytes = new Uint8Array(buffer);
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== "RLP1") throw new Error("these are no lattice points");
  const length = new DataView(buffer).getUint32(4, true);
  const facts = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const columns = {};
  for (const { name, type, width, offset } of facts.columns) {
    columns[name] = new ARRAYS[type](buffer, 8 + length + offset, facts.n * width);
  }
  return { facts, columns };
}
