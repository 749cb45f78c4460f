// The viewer: one image at any size.

const viewer = document.getElementById("viewer");
const stage = document.getElementById("stage");
const stack = makeStack("div", 1, 1);
stage.prepend(stack);
const handle = document.getElementById("handle");
const note = document.getElementById("viewer-note");
const view = { order: [], place: 0, scale: 1, x: 0, y: 0, fitted: true };
const shownImage = () => imageAt(view.order[view.place]);

function openViewer(order, place) {
  view.order = order;
  view.place = place;
  if (!viewer.open) viewer.showModal();
  showImage();
}

function openImage(place, { within = all } = {}) {
  openViewer(within, within.indexOf(place));
}

function showImage() {
  const image = shownImage();
  document.getElementById("viewer-name").textContent = image.stem;
  const about = document.getElementById("viewer-about");
  about.textContent = `${aboutText(image)} · ${scoreText(image)}`;
  about.title = `${meanings.iou}. ${meanings.dice}.`;
  note.textContent = "";
  stack.style.width = `${image.width}px`;
  stack.style.height = `${image.height}px`;
  showFullSize(image, view.order[view.place]);
  fit();
}

// The thumbnail at once, the full size when it has loaded.
function showFullSize(image, place) {
  const shown = stack.querySelector(".image");
  const stillShown = () => viewer.open && view.order[view.place] === place;
  fillStack(stack, place);
  const full = new Image();
  const missing = () => { if (stillShown()) note.textContent = "Full size lies in layers/ beside this page; this copy has thumbnails only."; };
  full.onload = () => { if (stillShown()) shown.src = full.src; };
  full.onerror = missing;
  full.src = imageFile("", image.stem);
  loadLayers("", image.stem).then((layers) => { if (stillShown()) setPairs(stack, layers); }, missing);
}

function step(by) {
  view.place = (view.place + by + view.order.length) % view.order.length;
  showImage();
}

function fitScale() {
  const { width, height } = shownImage();
  return Math.min(stage.clientWidth / width, stage.clientHeight / height);
}

function fit() {
  const { width, height } = shownImage();
  view.scale = fitScale();
  view.x = (stage.clientWidth - width * view.scale) / 2;
  view.y = (stage.clientHeight - height * view.scale) / 2;
  place(true);
}

// Zoom so that the point at (x, y) of the stage stays where it is.
function zoomTo(scale, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const bounded = Math.min(32, Math.max(Math.min(1, fitScale() / 2), scale));
  view.x = x - (x - view.x) * (bounded / view.scale);
  view.y = y - (y - view.y) * (bounded / view.scale);
  view.scale = bounded;
  place(false);
}

function place(fitted) {
  view.fitted = fitted;
  stack.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  stack.classList.toggle("pixels", view.scale * devicePixelRatio >= 2);
  document.getElementById("viewer-zoom").textContent = `${Math.round(100 * view.scale)} %`;
  placeHandle();
}

function placeHandle() {
  if (!viewer.open) return;
  const { width, height } = shownImage();
  handle.style.left = `${view.x + (wipe / 100) * width * view.scale}px`;
  handle.style.top = `${Math.max(0, view.y)}px`;
  handle.style.height = `${Math.min(stage.clientHeight, view.y + height * view.scale) - Math.max(0, view.y)}px`;
}

// ---- pointers: one drags the image or the handle, two zoom
const pointers = new Map();
let dragsHandle = false;
const apart = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
const at = (event) => {
  const box = stage.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};

stage.addEventListener("pointerdown", (event) => {
  dragsHandle = event.target === handle;
  pointers.set(event.pointerId, at(event));
  stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = at(event);
  const distance = pointers.size === 2 ? apart([...pointers.values()]) : 0;
  pointers.set(event.pointerId, now);
  if (dragsHandle) {
    setWipe((100 * (now.x - view.x)) / (shownImage().width * view.scale));
  } else if (pointers.size === 2) {
    const [a, b] = pointers.values();
    zoomTo(view.scale * (apart([a, b]) / distance), (a.x + b.x) / 2, (a.y + b.y) / 2);
  } else {
    view.x += now.x - before.x;
    view.y += now.y - before.y;
    place(false);
  }
});
for (const ends of ["pointerup", "pointercancel"]) {
  stage.addEventListener(ends, (event) => pointers.delete(event.pointerId));
}
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { x, y } = at(event);
  zoomTo(view.scale * Math.exp(-event.deltaY / 400), x, y);
}, { passive: false });
stage.addEventListener("dblclick", (event) => {
  const { x, y } = at(event);
  if (view.fitted) zoomTo(1, x, y);
  else fit();
});
addEventListener("layers", placeHandle);
addEventListener("resize", () => { if (viewer.open && view.fitted) fit(); });

const zooms = { in: () => zoomTo(view.scale * 1.5), out: () => zoomTo(view.scale / 1.5), fit };
for (const button of viewer.querySelectorAll("[data-zoom]")) button.addEventListener("click", zooms[button.dataset.zoom]);
for (const button of viewer.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
viewer.querySelector("[data-close]").addEventListener("click", () => viewer.close());

// ---- keys; a field that is typed into keeps its own
const layerKeys = { i: "image", t: "truth", p: "prediction", d: "difference" };
const viewerKeys = {
  ArrowLeft: () => step(-1), ArrowRight: () => step(1), "+": zooms.in, "=": zooms.in, "-": zooms.out, 0: fit, 1: () => zoomTo(1),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select")) return;
  const act = layerKeys[event.key] ? () => toggleLayer(layerKeys[event.key]) : viewer.open && viewerKeys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
