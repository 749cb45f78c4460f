// Pairs: which class is true and which is predicted at each pixel, in runs, row by row. A code is the true
// class times the number of classes, plus the predicted one; one true class more stands for what is not judged.

const classCount = viewed.names.length;
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
const paints = Object.fromEntries(Object.entries({
  truth: (code) => viewed.tints[trueOf(code)],
  prediction: (code) => viewed.tints[predictedOf(code)],
  difference: (code) => viewed.agreement[agreementOf(code)],
}).map(([layer, colour]) => [layer, Uint32Array.from({ length: (classCount + 1) * classCount }, (_, code) => colourNumber(colour(code)))]));

// Some datasets call the background _background_.
const classText = (id) => (id < notJudged ? viewed.names[id].replace(/^_+|_+$/g, "") || viewed.names[id] : "not judged");

const canUnpack = typeof DecompressionStream !== "undefined";
const CANNOT_UNPACK = "This browser is too old to draw masks: take Chrome or Edge 80, Firefox 113, Safari 16.4, or a newer one.";

// What Python packed: zlib's bytes as base64; all lengths, then all codes. Of the lengths the ends are kept.
async function unpack(text) {
  if (!canUnpack) throw new Error(CANNOT_UNPACK);
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const content = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  const count = content.byteLength / 6;
  const ends = new Uint32Array(content, 0, count);
  for (let run = 1; run < count; run += 1) ends[run] += ends[run - 1];
  return { ends, codes: new Uint16Array(content, 4 * count, count) };
}

// The run of a pixel, counted row by row: the first that ends after it.
function runAt({ ends }, pixel) {
  let [low, high] = [0, ends.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > pixel) high = middle;
    else low = middle + 1;
  }
  return low;
}

// A canvas of more pixels stays empty, without a word: on phones and tablets of Apple from 2^24 on, elsewhere from
// 2^28; a quarter of a gigabyte for each layer is enough too.
const MOST_PIXELS = matchMedia("(pointer: coarse)").matches ? 2 ** 24 : 2 ** 25;
const MOST_SIDE = 2 ** 14;

// What part of its size an image of masks is drawn at: 1, 1/2, 1/3, …
const reduction = (width, height) => Math.max(1, Math.ceil(Math.sqrt((width * height) / MOST_PIXELS)), Math.ceil(Math.max(width, height) / MOST_SIDE));

function paint(canvas, { width, height, runs }, layer) {
  const by = reduction(width, height);
  canvas.width = Math.ceil(width / by);
  canvas.height = Math.ceil(height / by);
  const context = canvas.getContext("2d");
  const drawn = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(drawn.data.buffer);
  if (by === 1) fillAll(pixels, runs, paints[layer]);
  else fillSome(pixels, canvas, { width, height, runs }, paints[layer]);
  context.putImageData(drawn, 0, 0);
}

function fillAll(pixels, { ends, codes }, colours) {
  let from = 0;
  for (let run = 0; run < ends.length; run += 1) {
    pixels.fill(colours[codes[run]], from, ends[run]);
    from = ends[run];
  }
}

// The nearest pixel for each that is drawn; they lie in the order of the runs.
function fillSome(pixels, canvas, { width, height, runs }, colours) {
  let run = 0;
  let drawn = 0;
  for (let row = 0; row < canvas.height; row += 1) {
    const start = width * Math.floor(((row + 0.5) * height) / canvas.height);
    for (let column = 0; column < canvas.width; column += 1) {
      const pixel = start + Math.floor(((column + 0.5) * width) / canvas.width);
      while (runs.ends[run] <= pixel) run += 1;
      pixels[drawn] = colours[runs.codes[run]];
      drawn += 1;
    }
  }
}

// ---- files beside the page
// Of a file that was cut off, changed or exchanged nothing is shown.
const isUndamaged = (layers, stem) => layers?.stem === stem && [layers.width, layers.height].every((side) => side >= 1) && [layers.objects ?? [], layers.suspects ?? []].every(Array.isArray);

async function loadLayers(folder, stem) {
  const address = `${folder}layers/pairs/${encodeURIComponent(stem)}.js`;
  const layers = await loadBeside(address);
  const damaged = () => { throw damagedFile(address); };
  return isUndamaged(layers, stem) ? { ...layers, runs: await unpack(layers.pairs).catch(damaged) } : damaged();
}
const imageFile = (folder, stem) => `${folder}layers/image/${encodeURIComponent(stem)}.jpg`;
