// Every image as a point: one model's score across, the other's up. Points are dots of a few paths, for an
// element each would be slow with thousands; a click opens the nearest.

const scatterPlot = document.getElementById("scatter");
const dots = drawing("g", { class: "dots" });
const marker = drawing("circle", { r: 2.2, class: "marker" });
const ticks = drawing("g", { class: "ticks" });
const scatterBox = drawing("svg", { viewBox: "-12 -3 118 112", role: "img" },
  drawing("rect", { width: 100, height: 100 }), ticks, drawing("line", { x1: 0, y1: 100, x2: 100, y2: 0 }), dots, marker);
const axisNames = { across: element("span", "across"), up: element("span", "up") };
const pointed = element("p", "pointed");
scatterPlot.append(axisNames.up, scatterBox, axisNames.across, pointed);
const PATHS = 8; // so that dots over one another look darker
const NEAR = 6; // in hundredths of the box's side
const TICK_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2];
let points = [];

// From below the lowest score to 1, by whole steps.
function scoreTicks() {
  const known = everyPlace.flatMap((place) => [choice.ours, choice.theirs].map((report) => chosenScore(report, place))).filter((score) => score !== null);
  const range = 1 - known.reduce((low, score) => Math.min(low, score), 1);
  const step = TICK_STEPS.find((each) => range <= 5 * each);
  const number = Math.max(5, Math.ceil(range / step - 1e-9));
  return Array.from({ length: number + 1 }, (_, place) => 1 - (number - place) * step);
}

function drawTicks(values, at) {
  ticks.replaceChildren(...values.map((value) => ({ x: at(value), text: value.toFixed(2) })).flatMap(({ x, text }) => [
    drawing("line", { x1: x, x2: x, y1: 0, y2: 100 }),
    drawing("line", { x1: 0, x2: 100, y1: x, y2: x }),
    drawing("text", { x, y: 105.5, "text-anchor": "middle" }, text),
    drawing("text", { x: -1.5, y: 101.3 - x, "text-anchor": "end" }, text),
  ]));
}

function drawScatter() {
  const values = scoreTicks();
  const low = values[0];
  const at = (score) => (100 * (score - low)) / (1 - low);
  points = everyPlace.filter((place) => gainOf(place) !== null).map((place) => ({
    place, x: at(chosenScore(choice.ours, place)), y: 100 - at(chosenScore(choice.theirs, place)),
  }));
  const paths = Array.from({ length: PATHS }, () => []);
  points.forEach(({ x, y }, number) => paths[number % PATHS].push(`M${x.toFixed(2)} ${y.toFixed(2)}h0`));
  dots.replaceChildren(...paths.filter((path) => path.length).map((path) => drawing("path", { d: path.join("") })));
  dots.style.strokeWidth = points.length > 2000 ? 1.3 : points.length > 200 ? 2 : 3;
  drawTicks(values, at);
  scatterBox.setAttribute("aria-label", `${choiceWords()} of ${formatCount(points.length)} images: ${nameOf(choice.ours)} across, ${nameOf(choice.theirs)} up. The table of images below has the same.`);
  axisNames.across.textContent = `${nameOf(choice.ours)} →`;
  axisNames.up.textContent = `↑ ${nameOf(choice.theirs)}`;
  markPoint(null);
}

const pairText = (place) => [choice.ours, choice.theirs].map((report) => `${nameOf(report)} ${formatScore(chosenScore(report, place))}`).join(", ");

function markPoint(point) {
  marker.style.display = point ? "" : "none";
  scatterBox.style.cursor = point ? "pointer" : "";
  pointed.textContent = point
    ? `${columns.stems[point.place]}: ${pairText(point.place)} (${formatGain(gainOf(point.place))})`
    : `Below the line ${nameOf(choice.ours)} is better, above it ${nameOf(choice.theirs)}. A click on a point opens its image.`;
  if (!point) return;
  marker.setAttribute("cx", point.x);
  marker.setAttribute("cy", point.y);
}

function nearestDot(event) {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(scatterBox.getScreenCTM().inverse());
  const away = (point) => Math.hypot(point.x - x, point.y - y);
  const nearest = points.reduce((best, point) => (best && away(best) <= away(point) ? best : point), null);
  return nearest && away(nearest) <= NEAR ? nearest : null;
}

scatterBox.addEventListener("pointermove", (event) => markPoint(nearestDot(event)));
scatterBox.addEventListener("pointerleave", () => markPoint(null));
scatterBox.addEventListener("click", (event) => {
  const point = nearestDot(event);
  if (point) openImage(point.place, { within: everyPlace });
});
addEventListener("choice", drawScatter);
