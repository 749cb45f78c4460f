// Wrong objects of the image: their boxes, the chosen one in the middle, and what it is in one line.

const MOST_BOXES = 300;
const objectColour = { wrong: colourText(viewed.agreement[WRONG]), missed: colourText(viewed.agreement[MISSED]) };
const kindWords = {
  halo: "halo: within the halo of an object of its class",
  bulge: "bulge: starts at an object of its class and reaches beyond its halo",
  object: "object: stands by itself, or the object is mostly wrong",
};
const sameBox = (a, b) => ["x", "y", "width", "height"].every((key) => a[key] === b[key]);

// Those of all panes, the largest first; what was asked for is found among them as soon as they are known.
function gatherObjects() {
  view.objects = view.panes.flatMap((pane, number) => pane.objects.map((object) => ({ ...object, pane: number })));
  view.objects.sort((a, b) => b.pixels - a.pixels);
  findWanted();
  for (const pane of view.panes) drawBoxes(pane);
  sayObject();
}

function findWanted() {
  const { wanted, chosen } = view;
  const settled = view.panes.every((pane) => pane.layers || pane.missing);
  if (wanted === null || (typeof wanted === "number" && view.panes.length > 1 && !settled)) return;
  const found = typeof wanted === "number" ? view.objects[wanted - 1] : whatIsIn(wanted);
  view.chosen = found ?? null;
  if (found && !(chosen && sameBox(chosen, found))) centreOn(found);
}

// A box that is asked for is that of a wrong object, of a suspicious label, or just a place.
function whatIsIn(box) {
  const suspects = view.panes.flatMap((pane, number) => (pane.layers?.suspects ?? []).map((suspect) => ({ ...suspect, what: "suspect", pane: number })));
  return [...view.objects, ...suspects].find((each) => sameBox(each, box) && (!box.what || each.what === box.what)) ?? { ...box, what: "place", pane: null };
}

const chosenNumber = () => (view.chosen ? view.objects.indexOf(view.chosen) + 1 : 0);

function chooseObject(wanted) {
  view.wanted = wanted;
  view.chosen = null;
  findWanted();
  for (const pane of view.panes) drawMarks(pane);
  sayObject();
  replaceImageAddress();
}

function stepObject(by) {
  const count = view.objects.length;
  if (!count) return;
  const now = chosenNumber();
  chooseObject(now ? ((now - 1 + by + count) % count) + 1 : by > 0 ? 1 : count);
}

function objectText({ what, class: id, other, pixels, kind, pane }) {
  const wrong = what === "wrong";
  const first = wrong ? `false positive of ${classText(id)}, truly ${classText(other)}` : `missed ${classText(id)}, taken for ${classText(other)}`;
  const title = view.panes.length > 1 ? view.panes[pane].known.title : "";
  return [first, `${formatCount(pixels)} px`, kind, title && `in ${title}`].filter(Boolean).join(" · ");
}

const suspectText = ({ pixels }) => `suspicious label · ${formatCount(pixels)} px to which the model gives a tenth or less`;

const isWhole = ({ layers, objects }) => (layers
  ? ["wrong", "missed"].every((what) => objects.filter((object) => object.what === what).length < viewed.mostTold)
  : objects.length < viewed.mostInside);

function numberText(now, count) {
  if (count === 0 && !view.panes.every((pane) => pane.layers)) return "–";
  const whole = view.panes.every(isWhole);
  if (now) return `${formatCount(now)} of ${whole ? "" : "the largest "}${formatCount(count)}`;
  return whole ? `${formatCount(count)} wrong` : `largest ${formatCount(count)}`;
}

function sayObject() {
  const [count, now] = [view.objects.length, chosenNumber()];
  const line = document.getElementById("viewer-object");
  for (const button of viewer.querySelectorAll("[data-object]")) button.disabled = count === 0;
  document.getElementById("viewer-object-number").textContent = numberText(now, count);
  line.textContent = now ? objectText(view.chosen) : view.chosen?.what === "suspect" ? suspectText(view.chosen) : "";
  line.title = now ? kindWords[view.chosen.kind] ?? "" : "";
  const asked = typeof view.wanted === "number" && !view.chosen && view.panes.every((pane) => pane.layers);
  if (asked) tell(count ? `This image has no wrong object ${formatCount(view.wanted)}: ${formatCount(count)} are listed.` : "This image has no wrong object.");
}

// ---- frames: boxes keep the image's measure, marks the screen's
function drawBoxes(pane) {
  const number = view.panes.indexOf(pane);
  const own = view.objects.filter((object) => object.pane === number).slice(0, MOST_BOXES);
  const suspects = (pane.layers?.suspects ?? []).slice(0, MOST_BOXES);
  pane.boxes.replaceChildren(
    ...own.flatMap((object) => frame(object, "object", objectColour[object.what])),
    ...suspects.flatMap((suspect) => frame(suspect, "suspect")),
  );
  drawMarks(pane);
}

// A dark line below a light one is seen on any image.
function frame({ x, y, width, height }, kind, colour) {
  const place = { x, y, width, height };
  const line = drawing("rect", { ...place, class: kind });
  if (colour) line.style.stroke = colour;
  return [drawing("rect", { ...place, class: `${kind} under` }), line];
}

// Two lines of the chosen object's frame, and two of the crosshair.
const makeMarks = () => ({
  chosen: [drawing("rect", { class: "chosen under" }), drawing("rect", { class: "chosen" })],
  cross: [drawing("path", { class: "cross under" }), drawing("path", { class: "cross" })],
});

function setMark(lines, attributes) {
  for (const line of lines) {
    line.style.display = attributes ? "" : "none";
    for (const [name, value] of Object.entries(attributes ?? {})) line.setAttribute(name, value);
  }
}

const LEAST_FRAME = 14;
function drawMarks(pane) {
  const { scale, chosen, pointed } = view;
  setMark(pane.marks.chosen, chosen && frameAround(chosen));
  const elsewhere = chosen && chosen.pane !== null && view.panes[chosen.pane] !== pane;
  for (const line of pane.marks.chosen) line.classList.toggle("elsewhere", Boolean(elsewhere));
  const isCrossed = pointed && (view.panes.length > 1 || pointed.byKey);
  const [x, y] = isCrossed ? [view.x + (pointed.x + 0.5) * scale, view.y + (pointed.y + 0.5) * scale] : [0, 0];
  setMark(pane.marks.cross, isCrossed && { d: `M${x - 11} ${y}h8M${x + 3} ${y}h8M${x} ${y - 11}v8M${x} ${y + 3}v8` });
}

// A box on the screen around one of the image, large enough to be seen.
function frameAround(box) {
  const [width, height] = [box.width, box.height].map((length) => Math.max(LEAST_FRAME, length * view.scale + 8));
  const [x, y] = [view.x + (box.x + box.width / 2) * view.scale, view.y + (box.y + box.height / 2) * view.scale];
  return { x: x - width / 2, y: y - height / 2, width, height };
}

// The smallest object whose box holds a pixel.
function chooseAt({ x, y }) {
  const holds = (each) => x >= each.x && y >= each.y && x < each.x + each.width && y < each.y + each.height;
  const [smallest] = view.objects.filter(holds).sort((a, b) => a.width * a.height - b.width * b.height);
  if (smallest) chooseObject(view.objects.indexOf(smallest) + 1);
}
