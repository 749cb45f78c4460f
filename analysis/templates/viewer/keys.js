// Keys, and the list of them that ? opens. A field that is typed into keeps its own.

const keyList = document.getElementById("keys");
const layerKeys = { i: "image", t: "truth", p: "prediction", d: "difference" };

function toggleOwn(layer) {
  if (viewer.querySelector(`[data-layer=${layer}]`).hidden) tell(nothingOf[layer]);
  else toggleLayer(layer);
}
const nothingOf = {
  probability: "No probabilities of this image: report --probabilities brings them.",
  suspects: "No suspicious label in this image.",
  objects: "No wrong object in this image.",
};

const pageKeys = [
  { keys: Object.keys(layerKeys), does: "image, truth, prediction, difference on and off", act: (key) => toggleLayer(layerKeys[key]) },
  { keys: ["?"], does: "this list", act: () => showKeys() },
];
const searchKeys = [
  { keys: ["/"], does: viewed.searches, act: () => document.getElementById("search").focus() },
];
const viewerKeys = [
  { keys: ["ArrowLeft", "ArrowRight"], shown: ["←", "→"], does: "the image before, the image after; a swipe too", act: (key) => stepImage(key === "ArrowLeft" ? -1 : 1) },
  { keys: ["n", "b"], does: "the next wrong object, the one before", act: (key) => stepObject(key === "n" ? 1 : -1) },
  { keys: ["o"], does: "boxes of all wrong objects on and off; a click in one chooses it", act: () => toggleOwn("objects") },
  { keys: ["s"], does: "frames of suspicious labels on and off", act: () => toggleOwn("suspects") },
  { keys: ["h"], does: "probability of foreground on and off", act: () => toggleOwn("probability") },
  { keys: ["+", "=", "-"], shown: ["+", "−"], does: "larger, smaller; wheel and two fingers too", act: (key) => zooms[key === "-" ? "out" : "in"]() },
  { keys: ["0", "1"], does: "fit, one to one; a double click too", act: (key) => (key === "0" ? fit() : zoomTo(1)) },
];
const crossKeys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
// What the browser does by itself, or an element of the page: listed, not acted on here.
const otherKeys = [
  { shown: ["Shift ← ↑ → ↓"], does: "a crosshair that reads values, as the pointer does" },
  { shown: ["← →"], does: "on the slider: truth to its left, prediction to its right, in all images at once" },
  { shown: ["Esc"], does: "close" },
];

function showKeys() {
  if (keyList.open) return;
  keyList.showModal();
  keyList.querySelector("[data-close-keys]").focus();
}

function listKeys(heading, entries) {
  const rows = entries.flatMap(({ keys, shown = keys, does }) => [
    element("dt", "", ...shown.flatMap((key, at) => [at ? " " : "", element("kbd", "", key)])), element("dd", "", does),
  ]);
  return [element("h3", "", heading), element("dl", "", ...rows)];
}
document.getElementById("key-lists").append(
  ...listKeys("Everywhere", [...searchKeys, ...viewed.keys.map(([key, does]) => ({ shown: [key], does })), ...pageKeys]),
  ...listKeys("In the viewer", [...viewerKeys, ...otherKeys]),
);

const isTyped = (target) => target.closest("select, textarea, input:not([type=range], [type=checkbox], [type=radio], [type=button])");
const movesSlider = (event) => event.target.matches("input") && /^(Arrow|Page|Home|End)/.test(event.key);

function actOf(event) {
  if (keyList.open) return null;
  if (viewer.open && event.shiftKey && crossKeys[event.key]) return () => moveCross(...crossKeys[event.key]);
  const known = [...pageKeys, ...(viewer.open ? viewerKeys : searchKeys)].find(({ keys }) => keys.includes(event.key));
  return known && (() => known.act(event.key));
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyped(event.target) || movesSlider(event)) return;
  const act = actOf(event);
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) showKeys();
  else if (event.target === keyList || event.target.closest("[data-close-keys]")) keyList.close();
});

// When all scripts of the page have run.
document.addEventListener("DOMContentLoaded", () => {
  showLayers();
  startFromAddress();
});
