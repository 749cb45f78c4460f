// Wrong objects of the image: their boxes, the chosen one in the middle, and what it is in one line.

const MOST_BOXES = 300;
const colourOf = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;
const objectColour = { wrong: colourOf(viewed.agreement[WRONG]), missed: colourOf(viewed.agreement[MISSED]) };
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
  const found = typeof wanted === "number" ? view.objects[wanted - 1] : view.objects.find((each) => sameBox(each, wanted)) ?? { ...wanted, pane: null };
  view.chosen = found ?? null;
  if (found && !(chosen && sameBox(chosen, found))) centreOn(found);
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

function sayObject() {
  const [count, now] = [view.objects.length, chosenNumber()];
  const line = document.getElementById("viewer-object");
  for (const button of viewer.querySelectorAll("[data-object]")) button.disabled = count === 0;
  const known = count > 0 || view.panes.every((pane) => pane.layers);
  document.getElementById("viewer-object-number").textContent = now ? `${formatCount(now)} of ${formatCount(count)}` : known ? `${formatCount(count)} wrong` : "–";
  line.textContent = now ? objectText(view.chosen) : "";
  line.title = now ? kindWords[view.chosen.kind] ?? "" : "";
  const asked = typeof view.wanted === "number" && !view.chosen && view.panes.every((pane) => pane.layers);
  if (asked) tell(count ? `This image has no wrong object ${formatCount(view.wanted)}: it has ${formatCount(count)}.` : "This image has no wrong object.");
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

const LEAST_FRAME = 14;
function drawMarks(pane) {
  const { scale } = view;
  const marks = [];
  if (view.chosen) {
    const width = Math.max(LEAST_FRAME, view.chosen.width * scale + 8);
    const height = Math.max(LEAST_FRAME, view.chosen.height * scale + 8);
    const middle = { x: view.x + (view.chosen.x + view.chosen.width / 2) * scale, y: view.y + (view.chosen.y + view.chosen.height / 2) * scale };
    const elsewhere = view.chosen.pane !== null && view.panes[view.chosen.pane] !== pane;
    marks.push(...frame({ x: middle.x - width / 2, y: middle.y - height / 2, width, height }, elsewhere ? "chosen elsewhere" : "chosen"));
  }
  if (view.pointed && (view.panes.length > 1 || view.pointed.byKey)) {
    const [x, y] = [view.x + (view.pointed.x + 0.5) * scale, view.y + (view.pointed.y + 0.5) * scale];
    const cross = `M${x - 11} ${y}h8M${x + 3} ${y}h8M${x} ${y - 11}v8M${x} ${y + 3}v8`;
    marks.push(drawing("path", { d: cross, class: "cross under" }), drawing("path", { d: cross, class: "cross" }));
  }
  pane.marks.replaceChildren(...marks);
}

// The smallest object whose box holds a pixel.
function chooseAt({ x, y }) {
  const holds = (each) => x >= each.x && y >= each.y && x < each.x + each.width && y < each.y + each.height;
  const [smallest] = view.objects.filter(holds).sort((a, b) => a.width * a.height - b.width * b.height);
  if (smallest) chooseObject(view.objects.indexOf(smallest) + 1);
}
