// Probabilities of foreground: a grey image inside the layer file, which the page may therefore read.

// From little to much: dark violet, red, light yellow, all clear enough to see the image below.
const RAMP = [[59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]];
const RAMP_OPACITY = 0.78;
const CLEAR_BELOW = 0.1;

function rampColour(share) {
  const at = share * (RAMP.length - 1);
  const [below, above] = [RAMP[Math.floor(at)], RAMP[Math.ceil(at)]];
  const mixed = below.map((value, part) => Math.round(value + (above[part] - value) * (at - Math.floor(at))));
  return [...mixed, Math.round(255 * RAMP_OPACITY * Math.min(1, share / CLEAR_BELOW))];
}
const ramp = Uint32Array.from({ length: 256 }, (_, grey) => colourNumber(rampColour(grey / 255)));

// {width, height, greys}, 255 for a probability of 1.
async function readProbability(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = element("canvas");
  const by = reduction(image.naturalWidth, image.naturalHeight);
  canvas.width = Math.ceil(image.naturalWidth / by);
  canvas.height = Math.ceil(image.naturalHeight / by);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const { width, height, data: colours } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { width, height, greys: Uint8Array.from({ length: width * height }, (_, pixel) => colours[4 * pixel]) };
}

function paintProbability(canvas, { width, height, greys }) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const drawn = context.createImageData(width, height);
  const pixels = new Uint32Array(drawn.data.buffer);
  greys.forEach((grey, pixel) => { pixels[pixel] = ramp[grey]; });
  context.putImageData(drawn, 0, 0);
}

// At a pixel of an image of the size given, however small the probabilities were kept.
function probabilityAt({ width, height, greys }, image, x, y) {
  const [column, row] = [Math.floor(((x + 0.5) * width) / image.width), Math.floor(((y + 0.5) * height) / image.height)];
  return greys[row * width + column] / 255;
}
