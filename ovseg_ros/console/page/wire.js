// Reads the binary messages that console/wire.py writes.

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

async function pixels(shape, bytes) {
  if (!shape) return null;
  const buffer = await inflate(bytes);
  const ids = shape.item_bytes === 2 ? new Uint16Array(buffer) : new Uint8Array(buffer);
  return { ids, width: shape.width, height: shape.height };
}

/** Return {header, image, mask, confidence} of one message; the latter two may be null. */
export async function readMoment(buffer) {
  const headBytes = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, headBytes)));
  let at = 4 + headBytes;
  const next = (part) => {
    const bytes = new Uint8Array(buffer, at, part ? part.bytes : 0);
    at += bytes.length;
    return bytes;
  };
  const [jpeg, maskBytes, confidenceBytes] = [header.jpeg, header.mask, header.confidence].map(next);
  const [image, mask, confidence] = await Promise.all([
    createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })),
    pixels(header.mask, maskBytes),
    pixels(header.confidence, confidenceBytes),
  ]);
  return { header, image, mask, confidence };
}
