// The values of one pixel: under the pointer, where one tapped, or at the crosshair that keys move.

function pointTo(pixel, byKey = false) {
  view.pointed = pixel && { ...pixel, byKey };
  readValues();
  for (const pane of view.panes) drawMarks(pane);
  document.getElementById("viewer-said").textContent = byKey ? view.panes.map((pane) => pane.values.textContent).join("; ") : "";
}

function readValues() {
  for (const pane of view.panes) {
    pane.values.hidden = !view.pointed;
    if (view.pointed) pane.values.replaceChildren(...valuesOf(pane, view.pointed).map((text, at) => element(at ? "span" : "b", "", text)));
  }
}

function valuesOf(pane, { x, y }) {
  const place = `x ${x}, y ${y}`;
  const layers = pane.layers ?? painted.get(pane.stack)?.layers;
  if (!layers) return [place];
  const code = layers.runs.codes[runAt(layers.runs, Math.floor(((y + 0.5) * layers.height) / view.height) * layers.width + Math.floor(((x + 0.5) * layers.width) / view.width))];
  const known = trueOf(code) === notJudged ? " not judged" : ` true ${classText(trueOf(code))}`;
  const texts = [place, known, ` predicted ${classText(predictedOf(code))}`];
  if (pane.probability) texts.push(` foreground ${probabilityAt(pane.probability, view, x, y).toFixed(2)}`);
  if (!pane.layers) texts.push(" (of the thumbnail)");
  return texts;
}

// The crosshair starts in the middle of what is seen, moves by some pixels of the screen, and stays in sight.
const CROSS_STEP = 10;
function moveCross(across, down) {
  const pane = paneSize();
  const from = view.pointed ?? pixelAt({ x: pane.width / 2, y: pane.height / 2 }) ?? { x: Math.floor(view.width / 2), y: Math.floor(view.height / 2) };
  const step = Math.max(1, Math.round(CROSS_STEP / view.scale));
  const pixel = { x: bounded(0, from.x + across * step, view.width - 1), y: bounded(0, from.y + down * step, view.height - 1) };
  const [x, y] = [view.x + pixel.x * view.scale, view.y + pixel.y * view.scale];
  const inSight = [bounded(20, x, pane.width - 20) - x, bounded(20, y, pane.height - 20) - y];
  if (inSight.some(Boolean)) moveBy(...inSight);
  pointTo(pixel, true);
}
