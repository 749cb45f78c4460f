// Images, masks and outlines over one another, everywhere at once. Masks are images that are clear where there is
// background; an outline is drawn from its mask at the size at which it is shown, once it comes into sight.

const shownLayers = new Set(["mask", "outline"]);
const typed = (event) => event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=range]), select");

function fillStack(stack, drawing) {
  const [image, mask] = ["image", "mask"].map((name) => {
    const layer = element("img", name);
    Object.assign(layer, { alt: "", decoding: "async", draggable: false, src: drawing[name] });
    return layer;
  });
  stack.querySelectorAll("img, canvas").forEach((old) => old.remove());
  stack.prepend(image, mask, element("canvas", "outline"));
}

// The pixels of a mask at a size: of data: addresses a page may read them.
function maskPixels(mask, width, height) {
  const canvas = element("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  context.drawImage(mask, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

// What is left of a mask where its class differs from a neighbour's.
function keepEdges(pixels) {
  const { width, height } = pixels;
  const drawn = new Uint32Array(pixels.data.buffer);
  const classes = drawn.slice();
  for (let at = 0; at < classes.length; at += 1) {
    const [own, x] = [classes[at], at % width];
    const inner =
      (x === 0 || classes[at - 1] === own) && (x === width - 1 || classes[at + 1] === own) &&
      (at < width || classes[at - width] === own) && (at >= width * (height - 1) || classes[at + width] === own);
    if (inner) drawn[at] = 0;
  }
  return pixels;
}

async function drawOutline(stack) {
  const [mask, canvas] = [stack.querySelector(".mask"), stack.querySelector(".outline")];
  await mask.decode();
  const scale = Math.min(1, (stack.clientWidth * devicePixelRatio) / mask.naturalWidth) || 1;
  const [width, height] = [mask.naturalWidth, mask.naturalHeight].map((side) => Math.max(1, Math.round(side * scale)));
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(keepEdges(maskPixels(mask, width, height)), 0, 0);
}

function showLayers() {
  for (const layer of ["mask", "outline"]) document.body.classList.toggle(`no-${layer}`, !shownLayers.has(layer));
  for (const button of document.querySelectorAll("[data-layer]")) {
    button.ariaPressed = String(shownLayers.has(button.dataset.layer));
  }
}

function toggleLayer(layer) {
  if (!shownLayers.delete(layer)) shownLayers.add(layer);
  showLayers();
}

// Masks are all that is not the image: without them there is no outline either.
function toggleMasks() {
  const any = shownLayers.size > 0;
  for (const layer of ["mask", "outline"]) shownLayers[any ? "delete" : "add"](layer);
  showLayers();
}

function setOpacity(percent) {
  document.body.style.setProperty("--opacity", percent / 100);
  for (const slider of document.querySelectorAll("[data-opacity]")) slider.value = percent;
}

const layerActs = { mask: toggleMasks, outline: () => toggleLayer("outline") };
const layerKeys = { m: layerActs.mask, o: layerActs.outline };
for (const button of document.querySelectorAll("[data-layer]")) {
  button.addEventListener("click", layerActs[button.dataset.layer]);
}
for (const slider of document.querySelectorAll("[data-opacity]")) {
  slider.addEventListener("input", () => setOpacity(Number(slider.value)));
}
addEventListener("keydown", (event) => {
  const act = !typed(event) && layerKeys[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

const inSight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    inSight.unobserve(target);
    drawOutline(target);
  }
}, { rootMargin: "400px" });

const stacks = [...document.querySelectorAll("[data-drawing]")];
for (const stack of stacks) {
  fillStack(stack, data.drawings[stack.dataset.drawing]);
  inSight.observe(stack);
}
setOpacity(45);
showLayers();
