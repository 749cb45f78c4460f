// An address for each image: #image=<name>, with &object=<number from 1> or &box=<x,y,width,height>, and
// &panes=<numbers> where not all are shown. Opening adds to the browser's history, stepping changes its last
// entry. Each entry of ours keeps how many of them lie behind it (depth), and what is stepped through (path).

const everyPlace = Object.keys(viewed.stems).map(Number);
const placeOfStem = new Map(everyPlace.map((place) => [viewed.stems[place], place]));
const paths = [everyPlace];
let historyDepth = 0;
let addressTimer = 0;
let lastWritten = -Infinity;

const decodedText = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % of an address that was typed
  }
};
const numbersIn = (text) => text.split(",").map(Number);

function readImageAddress() {
  const parts = new Map(location.hash.slice(1).split("&").map((part) => {
    const [key, ...value] = part.split("=");
    return [key, decodedText(value.join("="))];
  }));
  if (!parts.has("image")) return null;
  const object = Number(parts.get("object"));
  const panes = parts.has("panes") ? numbersIn(parts.get("panes")).filter(Number.isInteger) : null;
  const wanted = boxIn(parts.get("box")) ?? (object >= 1 ? Math.floor(object) : null);
  return { stem: parts.get("image"), wanted, panes };
}

function boxIn(text) {
  const [x, y, width, height] = numbersIn(text ?? "");
  return [x, y, width, height].every(Number.isFinite) ? { x, y, width: Math.max(1, width), height: Math.max(1, height) } : null;
}

function addressNow() {
  const parts = [`image=${encodeURIComponent(viewed.stems[view.place])}`];
  const number = chosenNumber() || view.wanted;
  if (typeof number === "number") parts.push(`object=${number}`);
  else if (number) parts.push(`box=${["x", "y", "width", "height"].map((key) => number[key]).join(",")}`);
  if (view.shownPanes) parts.push(`panes=${view.shownPanes.join(",")}`);
  return `#${parts.join("&")}`;
}

function pathNumber() {
  const known = paths.indexOf(view.path);
  return known >= 0 ? known : paths.push(view.path) - 1;
}

// A page inside another may be refused a history: the viewer works without.
function writeImageAddress(how, address) {
  clearTimeout(addressTimer);
  lastWritten = performance.now();
  try {
    history[how]({ depth: historyDepth, path: pathNumber() }, "", address);
  } catch {
    historyDepth = 0;
  }
}

function pushImageAddress() {
  historyDepth += 1;
  writeImageAddress("pushState", addressNow());
}

// Browsers stop a page that changes its address more than about 10 times a second, as a held arrow key would.
const OFTEN = 150;
function replaceImageAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => { if (viewer.open) writeImageAddress("replaceState", addressNow()); }, Math.max(0, lastWritten + OFTEN - performance.now()));
}

// To the entry before the first image; an image without one is taken out of the address.
function leaveImageAddress() {
  clearTimeout(addressTimer);
  if (historyDepth > 0) history.go(-historyDepth);
  else writeImageAddress("replaceState", location.pathname + location.search);
}

function followImageAddress() {
  clearTimeout(addressTimer);
  const asked = readImageAddress();
  const known = history.state?.depth;
  if (asked && known === undefined) historyDepth += 1; // a link or a typed address: an entry that is not ours yet
  else historyDepth = known ?? 0;
  if (!asked) {
    viewer.close();
    return;
  }
  const place = placeOfStem.get(asked.stem);
  if (place === undefined) {
    viewer.close();
    tell(`No image of this ${viewed.kind} is called “${asked.stem}”.`);
    return;
  }
  view.path = paths[history.state?.path] ?? everyPlace;
  showViewer(place, asked);
  if (known === undefined) writeImageAddress("replaceState", location.hash);
}

// An address that was opened gets the page behind it, so that Back closes here too.
function startFromAddress() {
  const { hash } = location;
  if (!readImageAddress()) return;
  if (history.state?.depth === undefined) {
    view.path = everyPlace;
    writeImageAddress("replaceState", location.pathname + location.search);
    historyDepth = 1;
    writeImageAddress("pushState", hash);
  }
  followImageAddress();
}

addEventListener("popstate", followImageAddress);
