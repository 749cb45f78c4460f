// What part of the image is seen, and how large: one view, in all panes.

const view = {
  path: [], place: null, // places that the arrows step through, and the one that is shown
  width: 1, height: 1, // of the image
  scale: 1, x: 0, y: 0, fitted: true, // screen pixels per image pixel; where the image's corner lies in a pane
  pane: null, // size of a pane when this was drawn
  panes: [], // as panes.js makes them
  objects: [], wanted: null, chosen: null, // wrong objects of all panes, the one asked for, and that one found
  pointed: null, // {x, y}, the pixel whose values are read
};

const LARGEST = 32;
const REACH = 48; // screen pixels of the image that always stay in sight
const paneSize = () => {
  const { clientWidth: width, clientHeight: height } = view.panes[0].picture;
  return { width, height };
};

function fitScale() {
  const pane = paneSize();
  return Math.min(pane.width / view.width, pane.height / view.height);
}

function fit() {
  const pane = paneSize();
  view.scale = fitScale();
  view.x = (pane.width - view.width * view.scale) / 2;
  view.y = (pane.height - view.height * view.scale) / 2;
  drawView(true);
}

const boundScale = (scale) => Math.min(LARGEST, Math.max(Math.min(1, fitScale() / 2), scale));

// Zoom so that the point at (x, y) of a pane stays where it is.
function zoomTo(scale, x = paneSize().width / 2, y = paneSize().height / 2) {
  keepMiddle();
  const next = boundScale(scale);
  view.x = x - (x - view.x) * (next / view.scale);
  view.y = y - (y - view.y) * (next / view.scale);
  view.scale = next;
  drawView(false);
}

function moveBy(x, y) {
  keepMiddle();
  view.x += x;
  view.y += y;
  drawView(false);
}

// A box of the image in the middle, with about as much around it again on each side.
function centreOn(box) {
  const pane = paneSize();
  const near = Math.min(pane.width / (3 * box.width), pane.height / (3 * box.height));
  if (near <= fitScale()) {
    fit();
    return;
  }
  view.scale = boundScale(Math.min(8, near));
  view.x = pane.width / 2 - (box.x + box.width / 2) * view.scale;
  view.y = pane.height / 2 - (box.y + box.height / 2) * view.scale;
  drawView(false);
}

// Where the panes got another size, what was in the middle stays there.
function keepMiddle() {
  const { width, height } = paneSize();
  const [across, down] = [(width - view.pane.width) / 2, (height - view.pane.height) / 2];
  if (!across && !down) return;
  view.x += across;
  view.y += down;
  if (view.fitted) fit();
  else drawView(false);
}
const paneSizes = new ResizeObserver(() => { if (viewer.open) keepMiddle(); });

const bounded = (low, value, high) => Math.min(high, Math.max(low, value));

function drawView(fitted) {
  const pane = paneSize();
  Object.assign(view, { fitted, pane });
  view.x = bounded(REACH - view.width * view.scale, view.x, pane.width - REACH);
  view.y = bounded(REACH - view.height * view.scale, view.y, pane.height - REACH);
  for (const each of view.panes) placePane(each);
  document.getElementById("viewer-zoom").textContent = `${Math.round(100 * view.scale) || "<1"} %`;
}

// The pixel of the image at a point of a pane, or null beside it.
function pixelAt({ x, y }) {
  const pixel = { x: Math.floor((x - view.x) / view.scale), y: Math.floor((y - view.y) / view.scale) };
  return pixel.x >= 0 && pixel.y >= 0 && pixel.x < view.width && pixel.y < view.height ? pixel : null;
}
