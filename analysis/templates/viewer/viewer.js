// The viewer: one image at any size, in one pane or several in step. What it shows is the page's, which
// gives it as one constant `viewed` in a script before these:
//   kind        what the page is: "report", "comparison"
//   names       the classes by id, the background first
//   mostTold    of false positives and of misses of an image so many are told, mostInside so many in the page itself: as
//               many may be the largest of more
//   tints, agreement  red, green, blue, opacity: of classes and, last, of what is not judged; of agreement codes
//   stems       the name of every image that can be opened, by its place
//   image(place)  {width, height, about, meaning}: its size, a line below its name, and the title of that line
//   panes(place)  a list of {title, about, folder, stem, thumbnail, objects}: what stands above the pane; the
//               address of the folder that has layers/, "" or such as "../one/"; the name there, if it is another;
//               {image, width, height, pairs} and the largest wrong objects, where the page itself holds them
//   searches    what the field of the key "/", #search, does
//   keys        other keys of the page itself, as [key, what it does]
// A layer file (formats: analysis/masks/pairs.py) may hold `objects`, `suspects` and `probability` besides.

const viewer = document.getElementById("viewer");

// One line that is said where one looks: in the viewer, or at the page's foot.
function tell(line) {
  document.getElementById(viewer.open ? "viewer-note" : "page-note").textContent = line;
}

// `within`: places that the arrows step through; `object`: its number from 1, or a box {x, y, width, height};
// `panes`: numbers of the panes that are shown.
function openImage(place, { within = everyPlace, object = null, panes = null } = {}) {
  view.path = within;
  showViewer(place, { wanted: object, panes });
  pushImageAddress();
}

function showViewer(place, { wanted, panes }) {
  document.getElementById("page-note").textContent = "";
  view.shownPanes = panes;
  if (!viewer.open) {
    viewer.showModal();
    document.getElementById("stage").focus(); // not by autofocus, of which a browser complains at addresses
  }
  showImage(place, wanted);
}

function showImage(place, wanted) {
  const image = viewed.image(place);
  const changed = { place, width: image.width, height: image.height, wanted, chosen: null, objects: [], pointed: null };
  Object.assign(view, changed);
  if (!view.path.includes(place)) view.path = everyPlace;
  document.getElementById("viewer-name").textContent = viewed.stems[place];
  const about = document.getElementById("viewer-about");
  about.textContent = image.about;
  about.title = image.meaning ?? "";
  document.getElementById("viewer-count").textContent = `${formatCount(view.path.indexOf(place) + 1)} of ${formatCount(view.path.length)}`;
  tell("");
  const known = viewed.panes(place);
  const chosen = view.shownPanes?.filter((number) => known[number]);
  showPanes(chosen?.length ? chosen.map((number) => known[number]) : known);
  showExtras();
  fit();
  gatherObjects();
  showExtras();
  readValues();
}

function stepImage(by) {
  const { path, place } = view;
  showImage(path[(path.indexOf(place) + by + path.length) % path.length], null);
  replaceImageAddress();
}

// Probabilities are the viewer's alone: the page's images get their difference again.
function leaveProbability() {
  if (shownLayers.has("probability")) toggleLayer("difference");
}

viewer.addEventListener("close", () => {
  leaveProbability();
  if (readImageAddress()) leaveImageAddress();
});

// A close-up names its image, the box in it, and whether that is wrong or missed, which may have one box. What the page does at a click elsewhere does not happen besides.
document.addEventListener("click", (event) => {
  const { open, box, what } = event.target.closest("[data-open]")?.dataset ?? {};
  if (open === undefined) return;
  event.stopPropagation();
  const place = placeOfStem.get(open);
  if (place === undefined) tell(`${open} is not among the images that this page itself knows.`);
  else openImage(place, { object: box ? { ...boxIn(box), what } : null });
}, { capture: true });

const zooms = { in: () => zoomTo(view.scale * 1.5), out: () => zoomTo(view.scale / 1.5), fit };
function onButtons(name, act) {
  for (const button of viewer.querySelectorAll(`[data-${name}]`)) button.addEventListener("click", () => act(button.dataset[name]));
}
onButtons("zoom", (how) => zooms[how]());
onButtons("step", (by) => stepImage(Number(by)));
onButtons("object", (by) => stepObject(Number(by)));
onButtons("close", () => viewer.close());
