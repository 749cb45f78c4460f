// Panes: the image by one report each, beside one another, drawn in step.

const stage = document.getElementById("stage");

function makePane() {
  const stack = makeStack("div", 1, 1);
  stack.querySelector(".image").after(element("canvas", "probability"));
  stack.append(...makeDetails());
  const boxes = drawing("g", {});
  const marks = makeMarks();
  const frames = drawing("svg", { class: "frames", "aria-hidden": "true" }, boxes, ...marks.chosen, ...marks.cross);
  const handle = element("div", "handle", element("span", "", "Truth"), element("span", "", "Prediction"));
  handle.ariaHidden = "true";
  const head = element("p", "pane-head");
  const values = element("p", "values");
  values.hidden = true;
  const picture = element("div", "picture", stack, frames, handle, values);
  return { element: element("div", "pane", head, picture), head, picture, stack, boxes, marks, handle, values };
}

// As many panes as are known of the image.
function showPanes(known) {
  if (view.panes.length !== known.length) {
    view.panes = known.map(makePane);
    stage.replaceChildren(...view.panes.map((pane) => pane.element));
    paneSizes.disconnect();
    paneSizes.observe(view.panes[0].picture);
    stage.style.setProperty("--panes", known.length > 3 ? Math.ceil(known.length / 2) : known.length);
  }
  view.panes.forEach((pane, number) => fillPane(pane, known[number]));
}

function fillPane(pane, known) {
  const { head, stack } = pane;
  Object.assign(pane, { known, layers: null, probability: null, missing: false, objects: known.objects ?? [] });
  head.replaceChildren(element("b", "", known.title ?? ""), element("span", "", known.about ?? ""));
  head.hidden = !known.title && !known.about;
  stack.style.width = `${view.width}px`;
  stack.style.height = `${view.height}px`;
  showThumbnail(stack, known.thumbnail);
  loadFullSize(pane, known);
}

// The thumbnail at once, the full size when it has loaded.
function loadFullSize(pane, known) {
  const stem = known.stem ?? viewed.stems[view.place];
  const stillShown = () => viewer.open && pane.known === known;
  const missing = (error) => {
    if (!stillShown()) return;
    pane.missing = true;
    if (error instanceof Error && error.damaged) tell(error.message);
    else sayMissing();
  };
  const full = new Image();
  full.onload = () => { if (stillShown()) pane.stack.querySelector(".image").src = full.src; };
  full.onerror = missing;
  full.src = imageFile(known.folder ?? "", stem);
  if (!canUnpack) return void tell(CANNOT_UNPACK);
  loadLayers(known.folder ?? "", stem).then((layers) => { if (stillShown()) takeFullSize(pane, layers); }, missing);
}

function takeFullSize(pane, layers) {
  Object.assign(pane, { layers, objects: layers.objects ?? [] });
  setPairs(pane.stack, layers);
  drawDetail(pane);
  if (layers.probability) {
    readProbability(layers.probability).then((probability) => {
      if (pane.layers !== layers) return;
      pane.probability = probability;
      if (shownLayers.has("probability")) paintPaneProbability(pane);
      readValues();
    }, () => {});
  }
  gatherObjects();
  if (view.wanted !== null) replaceImageAddress();
  showExtras();
  readValues();
}

function paintPaneProbability({ stack, probability }) {
  const canvas = stack.querySelector(".probability");
  if (probability && shownLayers.has("probability")) paintProbability(canvas, probability);
}

function sayMissing() {
  const short = view.panes.filter((pane) => pane.missing);
  if (!short.length) return;
  const where = [...new Set(short.map((pane) => `${decodeURI(pane.known.folder ?? "")}layers/`))].join(" and ");
  const inside = short.every((pane) => pane.known.thumbnail);
  tell(`Full size lies in ${where} beside this page; this copy has ${inside ? "thumbnails only" : "no picture of this image"}.`);
}

function placePane(pane) {
  const { stack, boxes, handle, picture } = pane;
  const { x, y, scale, width, height } = view;
  stack.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  stack.classList.toggle("pixels", scale * devicePixelRatio >= 2);
  boxes.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  const top = Math.max(0, y);
  handle.style.left = `${x + (wipe / 100) * width * scale}px`;
  handle.style.top = `${top}px`;
  handle.style.height = `${Math.max(0, Math.min(picture.clientHeight, y + height * scale) - top)}px`;
  drawMarks(pane);
  drawDetail(pane);
}

// Buttons only for what this image has.
function showExtras() {
  const number = (key) => view.panes.reduce((sum, pane) => sum + (pane.layers?.[key]?.length ?? 0), 0);
  const has = { probability: view.panes.some((pane) => pane.layers?.probability), suspects: number("suspects"), objects: view.objects.length };
  for (const layer of viewerLayers) {
    const button = viewer.querySelector(`[data-layer=${layer}]`);
    button.hidden = !has[layer];
    if (layer !== "probability") button.querySelector("small").textContent = formatCount(has[layer]);
  }
}

// The colours of classes, for truth and prediction.
const MOST_LISTED = 16;
function classLegend() {
  const items = [...viewed.names.slice(1), "not judged"].map((name, at) => {
    const mark = element("i");
    mark.style.background = colourText(viewed.tints[at + 1]);
    return element("li", "", mark, name);
  });
  const more = items.length - MOST_LISTED - 1;
  const listed = more > 0 ? [...items.slice(0, MOST_LISTED), element("li", "", `and ${formatCount(more)} more`), items.at(-1)] : items;
  return element("ul", "legend of-classes", ...listed);
}
document.querySelector("#viewer .legends").prepend(classLegend());

addEventListener("layers", () => {
  if (!viewer.open) return;
  for (const pane of view.panes) {
    paintPaneProbability(pane);
    placePane(pane);
  }
});
