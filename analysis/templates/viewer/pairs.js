// Pairs: which class is true and which is predicted at each pixel, in runs, row by row. A code is the true
// class times the number of classes, plus the predicted one; one true class more stands for what is not judged.

const classCount = data.names.length;
const notJudged = classCount;
const trueOf = (code) => Math.floor(code / classCount);
const predictedOf = (code) => code % classCount;

const [NEITHER, CORRECT, WRONG, MISSED] = [0, 1, 2, 3];
function agreementOf(code) {
  const [truth, prediction] = [trueOf(code), predictedOf(code)];
  if (truth === notJudged) return NEITHER;
  if (prediction !== 0) return truth === prediction ? CORRECT : WRONG;
  return truth === 0 ? NEITHER : MISSED;
}

// The colour of each code in each layer, as a canvas keeps it.
const opaque = ([red, green, blue, alpha]) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const paints = Object.fromEntries(Object.entries({
  truth: (code) => data.tints[trueOf(code)],
  prediction: (code) => data.tints[predictedOf(code)],
  difference: (code) => data.agreement[agreementOf(code)],
}).map(([layer, colour]) => [layer, Uint32Array.from({ length: (classCount + 1) * classCount }, (_, code) => opaque(colour(code)))]));

// What Python packed: zlib's bytes as base64; all lengths, then all codes.
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const content = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  const count = content.byteLength / 6;
  return { lengths: new Uint32Array(content, 0, count), codes: new Uint16Array(content, 4 * count, count) };
}

function paint(canvas, { width, height, runs }, layer) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const drawn = context.createImageData(width, height);
  const pixels = new Uint32Array(drawn.data.buffer);
  let from = 0;
  runs.codes.forEach((code, run) => {
    const to = from + runs.lengths[run];
    pixels.fill(paints[layer][code], from, to);
    from = to;
  });
  context.putImageData(drawn, 0, 0);
}

// ---- files beside the page, loaded as programs of one call, because a page on a disk may read nothing else
const waiting = new Map();
globalThis.takeLayers = (layers) => waiting.get(document.currentScript)?.(layers);

function loadLayers(folder, stem) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const end = (act) => (value) => {
      waiting.delete(script);
      script.remove();
      act(value);
    };
    waiting.set(script, end(async (layers) => resolve({ ...layers, runs: await unpack(layers.pairs) })));
    script.onerror = end(() => reject(new Error(`no layers of ${stem} beside this page`)));
    script.src = `${folder}layers/pairs/${encodeURIComponent(stem)}.js`;
    document.head.append(script);
  });
}
const imageFile = (folder, stem) => `${folder}layers/image/${encodeURIComponent(stem)}.jpg`;
