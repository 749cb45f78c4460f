// Of an image whose masks are too large for a canvas, and are drawn smaller: the part that is seen, pixel by
// pixel, as soon as one is near enough to tell.

const makeDetails = () => layerNames.slice(1).map((layer) => element("div", `detail ${layer}-detail`, element("canvas")));

function drawDetail(pane) {
  const { layers, stack } = pane;
  const by = layers ? reduction(layers.width, layers.height) : 1;
  const isNear = by > 1 && view.scale * devicePixelRatio * by > 1;
  stack.classList.toggle("detailed", isNear);
  cancelAnimationFrame(pane.detail);
  if (isNear) pane.detail = requestAnimationFrame(() => { if (viewer.open && pane.layers === layers) paintDetail(stack, layers); });
}

function paintDetail(stack, layers) {
  const part = seenPart(layers);
  for (const layer of layerNames.slice(1).filter((each) => shownLayers.has(each))) {
    paintPart(stack.querySelector(`.${layer}-detail canvas`), layers, layer, part);
  }
}

// In the image's pixels, every `by`th of which is drawn.
function seenPart({ width, height }) {
  const pane = paneSize();
  const by = Math.max(1, Math.floor(1 / (view.scale * devicePixelRatio)));
  const [left, top] = [-view.x, -view.y].map((start) => Math.max(0, Math.floor(start / view.scale)));
  const right = Math.min(width, Math.ceil((pane.width - view.x) / view.scale));
  const bottom = Math.min(height, Math.ceil((pane.height - view.y) / view.scale));
  return { left, top, by, columns: Math.ceil((right - left) / by), rows: Math.ceil((bottom - top) / by) };
}

function paintPart(canvas, { width, runs: { ends, codes }, runs }, layer, { left, top, by, columns, rows }) {
  canvas.width = columns;
  canvas.height = rows;
  Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${columns * by}px`, height: `${rows * by}px` });
  const context = canvas.getContext("2d");
  const drawn = context.createImageData(columns, rows);
  const pixels = new Uint32Array(drawn.data.buffer);
  for (let row = 0; row < rows; row += 1) {
    const start = (top + row * by) * width + left;
    let run = runAt(runs, start);
    for (let column = 0; column < columns; column += 1) {
      while (ends[run] <= start + column * by) run += 1;
      pixels[row * columns + column] = paints[layer][codes[run]];
    }
  }
  context.putImageData(drawn, 0, 0);
}
