// Layers over one another: an image and canvases for truth, prediction and their difference; their
// toggles, and the slider between truth and prediction, everywhere at once.

const layerNames = ["image", "truth", "prediction", "difference"];
const masks = ["truth", "prediction"];
// What the viewer alone shows: how probable foreground is, and frames around suspicious labels and wrong objects.
const viewerLayers = ["probability", "suspects", "objects"];
const shownLayers = new Set(["image", "difference"]);
let wipe = 50;

// Masks, their difference and probabilities hide each other: showing one kind takes the others away.
const hides = {
  truth: ["difference", "probability"],
  prediction: ["difference", "probability"],
  difference: ["truth", "prediction", "probability"],
  probability: ["truth", "prediction", "difference"],
};

// Of a stack what its canvases show; each is painted when its layer is shown for the first time.
const painted = new WeakMap();
const thumbnailOf = new WeakMap();

// Of width to height; what is taller or wider, a strip of 100 × 5,000, lies in a box of this shape.
const [TALLEST_BOX, WIDEST_BOX] = [1 / 2, 4];

function makeStack(tag, width, height) {
  const stack = element(tag, "stack", element("img", "image"), ...layerNames.slice(1).map((layer) => element("canvas", layer)));
  Object.assign(stack.firstChild, { alt: "", decoding: "async", draggable: false });
  const inside = Math.min(WIDEST_BOX, Math.max(TALLEST_BOX, width / height));
  stack.style.aspectRatio = inside === width / height ? `${width} / ${height}` : String(inside);
  stack.classList.toggle("boxed", inside !== width / height);
  return stack;
}

function setPairs(stack, layers) {
  painted.set(stack, { layers, done: new Set() });
  paintShown(stack);
}

function clearStack(stack) {
  painted.delete(stack);
  thumbnailOf.delete(stack);
  for (const canvas of stack.querySelectorAll("canvas")) canvas.width = 0;
  stack.querySelector(".image").removeAttribute("src");
}

// The thumbnail of an image, where the page holds one: {image, width, height, pairs}.
function showThumbnail(stack, thumbnail) {
  clearStack(stack);
  if (!thumbnail) return;
  thumbnailOf.set(stack, thumbnail);
  stack.querySelector(".image").src = thumbnail.image;
  unpack(thumbnail.pairs).then((runs) => {
    if (thumbnailOf.get(stack) === thumbnail && !painted.has(stack)) setPairs(stack, { ...thumbnail, runs });
  }, (error) => tell(error.message));
}

// A picture that the page does not hold loads from a folder beside it once it comes into sight.
const besidePicture = new WeakMap();
const nearSight = new IntersectionObserver((entries) => {
  for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
    nearSight.unobserve(target);
    const { folder, stem, gone } = besidePicture.get(target);
    const image = target.querySelector(".image");
    image.onerror = gone;
    image.src = imageFile(folder, stem);
    loadLayers(folder, stem).then((layers) => setPairs(target, layers), gone);
  }
}, { rootMargin: "400px" });
function showPicture(stack, thumbnail, folder, stem, gone = () => {}) {
  if (thumbnail) showThumbnail(stack, thumbnail);
  else {
    besidePicture.set(stack, { folder, stem, gone });
    nearSight.observe(stack);
  }
}

function paintShown(stack) {
  const own = painted.get(stack);
  if (!own) return;
  for (const layer of layerNames.slice(1)) {
    if (!shownLayers.has(layer) || own.done.has(layer)) continue;
    paint(stack.querySelector(`.${layer}`), own.layers, layer);
    own.done.add(layer);
  }
}

function showLayers() {
  const both = masks.every((layer) => shownLayers.has(layer));
  for (const place of document.querySelectorAll(".layered")) {
    for (const layer of [...layerNames, ...viewerLayers]) place.classList.toggle(`no-${layer}`, !shownLayers.has(layer));
    place.classList.toggle("both", both);
    place.style.setProperty("--wipe", `${wipe}%`);
  }
  document.querySelectorAll(".stack").forEach(paintShown);
  for (const button of document.querySelectorAll("[data-layer]")) {
    button.ariaPressed = String(shownLayers.has(button.dataset.layer));
  }
  for (const slider of document.querySelectorAll(".wipe input")) slider.value = wipe;
  dispatchEvent(new Event("layers"));
}

function toggleLayer(layer) {
  if (!shownLayers.delete(layer)) shownLayers.add(layer);
  for (const other of hides[layer] ?? []) shownLayers.delete(other);
  showLayers();
}

// Moving the slider asks for truth beside prediction, so it shows just these.
function setWipe(value) {
  wipe = Math.min(100, Math.max(0, value));
  for (const layer of masks) shownLayers.add(layer);
  for (const other of hides.truth) shownLayers.delete(other);
  showLayers();
}

for (const button of document.querySelectorAll("[data-layer]")) {
  button.addEventListener("click", () => toggleLayer(button.dataset.layer));
}
for (const slider of document.querySelectorAll(".wipe input")) {
  slider.addEventListener("input", () => setWipe(Number(slider.value)));
}
