// One drawing as large as the window, by an address of its own: #crop=<id>, #image=<name>.

const larger = document.getElementById("larger");
const stage = document.getElementById("stage");
const largeStack = element("div", "stack");
stage.append(largeStack);
const note = document.getElementById("larger-note");
const keys = [...new Set(stacks.map((stack) => stack.dataset.drawing))];
const view = { key: null, opener: null, pushed: false, pixels: null };

const addressOf = (key) => {
  const [kind, ...name] = key.split("=");
  return `#${kind}=${encodeURIComponent(name.join("="))}`;
};
const keyOfAddress = () => keys.find((key) => addressOf(key) === location.hash);

function open(key, opener) {
  view.opener = opener;
  view.pushed = true;
  location.hash = addressOf(key);
}

function show(key) {
  const drawing = data.drawings[key];
  view.key = key;
  if (!larger.open) larger.showModal();
  document.getElementById("larger-name").textContent = drawing.name;
  document.getElementById("larger-about").textContent = drawing.about;
  document.getElementById("larger-place").textContent = `${keys.indexOf(key) + 1} of ${keys.length}`;
  fillStack(largeStack, drawing);
  largeStack.querySelector("svg")?.remove();
  const map = stacks.find((stack) => stack.dataset.drawing === key).querySelector("svg");
  if (map) largeStack.append(map.cloneNode(true));
  fit();
  note.textContent = "";
  nameClasses(key);
  loadFullSize(key, drawing);
}

// The file in the dataset, where this page lies beside it.
function loadFullSize(key, drawing) {
  if (!drawing.file) return;
  const missing = () => {
    if (view.key === key) note.textContent = `Shown at a smaller size: the dataset does not lie beside this page. Full size is its ${drawing.file}.`;
  };
  if (data.folder === null) {
    missing();
    return;
  }
  const full = new Image();
  full.onload = () => { if (view.key === key) largeStack.querySelector(".image").src = full.src; };
  full.onerror = missing;
  full.src = data.folder.split("/").map(encodeURIComponent).join("/") + drawing.file.split("/").map(encodeURIComponent).join("/");
}

function fit() {
  const { width, height } = data.drawings[view.key];
  const scale = Math.min(stage.clientWidth / width, stage.clientHeight / height);
  const [wide, high] = [width * scale, height * scale];
  Object.assign(largeStack.style, {
    width: `${wide}px`, height: `${high}px`, left: `${(stage.clientWidth - wide) / 2}px`, top: `${(stage.clientHeight - high) / 2}px`,
  });
}

// The classes that a mask has, by their colours; then the outline, at the size shown.
async function nameClasses(key) {
  const mask = largeStack.querySelector(".mask");
  view.pixels = null;
  pointAt(null);
  await mask.decode();
  if (view.key !== key) return;
  const { width, height, data: { buffer } } = maskPixels(mask, mask.naturalWidth, mask.naturalHeight);
  view.pixels = { width, height, words: new Uint32Array(buffer) };
  const words = new Set(view.pixels.words);
  const present = data.classes.filter((each) => words.has(colourNumber(each.colour)));
  document.getElementById("larger-classes").replaceChildren(...present.map(legendItem));
  drawOutline(largeStack);
}

// What lies at a place, in pixels of the dataset: a class, or a crop that was dropped.
function nameAt(x, y) {
  const isIn = ({ x: left, y: top, width, height }) => x >= left && x < left + width && y >= top && y < top + height;
  if ([...largeStack.querySelectorAll("rect.dropped")].some((box) => isIn(box.getBBox()))) return "dropped crop";
  const { width, height } = data.drawings[view.key];
  const at = (part, whole, side) => Math.min(side - 1, Math.floor((part / whole) * side));
  const word = view.pixels.words[at(y, height, view.pixels.height) * view.pixels.width + at(x, width, view.pixels.width)];
  return data.classes.find((each) => colourNumber(each.colour) === word)?.name ?? data.background;
}

function pointAt(event) {
  const told = document.getElementById("larger-class");
  const box = largeStack.getBoundingClientRect();
  const [across, down] = event ? [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height] : [-1, -1];
  const isInside = view.pixels && across >= 0 && across < 1 && down >= 0 && down < 1;
  told.textContent = "";
  if (!isInside) return;
  const { width, height } = data.drawings[view.key];
  const [x, y] = [Math.floor(across * width), Math.floor(down * height)];
  told.textContent = `${nameAt(x, y)} at ${x}, ${y}`;
}

function legendItem({ name, colour }) {
  const swatch = element("i");
  swatch.style.background = colourText(colour);
  return element("li", "", swatch, name);
}

function step(by) {
  const key = keys[(keys.indexOf(view.key) + by + keys.length) % keys.length];
  history.replaceState(null, "", addressOf(key));
  show(key);
}

// Back closes, and closing goes back: both leave the address without the drawing.
function leave() {
  if (larger.open || view.key === null) return; // the event comes late: after Back, Forward may have opened it again
  const left = forget();
  if (keyOfAddress() !== left) return;
  if (view.pushed) history.back();
  else history.replaceState(null, "", location.href.split("#")[0]);
  view.pushed = false;
}

function followAddress() {
  const key = keyOfAddress();
  if (key) {
    show(key);
  } else if (larger.open) {
    larger.close();
    forget();
    view.pushed = false;
  }
}

// The drawing is shown no more: the one that it was opened from has the keys again.
function forget() {
  const { key, opener } = view;
  (opener?.dataset.drawing === key ? opener : stacks.find((stack) => stack.dataset.drawing === key))?.focus();
  Object.assign(view, { key: null, opener: null });
  return key;
}

for (const stack of stacks) stack.addEventListener("click", () => open(stack.dataset.drawing, stack));
for (const button of larger.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
larger.querySelector("[data-close]").addEventListener("click", () => larger.close());
larger.addEventListener("close", leave);
addEventListener("hashchange", followAddress);
addEventListener("resize", () => { if (larger.open) fit(); });

const largerKeys = { ArrowLeft: () => step(-1), ArrowRight: () => step(1) };
addEventListener("keydown", (event) => {
  const act = larger.open && !typed(event) && !event.target.closest("input") && largerKeys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

for (const kind of ["pointermove", "pointerdown"]) stage.addEventListener(kind, pointAt);
stage.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") pointAt(null); });

let touchedAt = null;
stage.addEventListener("pointerdown", (event) => { touchedAt = event.pointerType === "touch" ? event.clientX : null; });
stage.addEventListener("pointerup", (event) => {
  const moved = touchedAt === null ? 0 : event.clientX - touchedAt;
  if (Math.abs(moved) > 50) step(moved > 0 ? -1 : 1);
});
followAddress();
