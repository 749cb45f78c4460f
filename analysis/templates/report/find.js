// Finding images: which are shown, in which order, as cards or as a table; what leads to some of them.

let order = all;
const views = document.getElementById("views");

function matching(without) {
  const tests = [...state.asked].filter(([key]) => key !== without).map(([key, value]) => testOf(key, value));
  return tests.length ? all.filter((place) => tests.every((test) => test(place))) : all;
}

// ---- columns of classes that lie beside the page are read when they are asked for
const CLASS_FILTERS = ["class", "true", "predicted"];
let classesAbsent = false;
function lackingClasses() {
  const asked = CLASS_FILTERS.map((key) => foreground.indexOf(state.asked.get(key)));
  const columnsShown = [sorts.get(state.sort), ...(state.table ? shownColumns() : [])];
  return [...new Set([...asked, ...columnsShown.flatMap((column) => column?.needs ?? [])])].filter((id) => id >= 0 && !ofClass[id]);
}
async function bringClasses(ids) {
  await Promise.all(ids.map(async (id) => { ofClass[id] = await classColumns(id + 1); }));
}
function withoutClasses() {
  classesAbsent = true;
  for (const key of CLASS_FILTERS) state.asked.delete(key);
  if (sorts.get(state.sort)?.needs) Object.assign(state, standard);
  arrange();
  tell("What is known of each class lies in files beside this page, which are missing or damaged here.");
}

function arrange() {
  const lacking = lackingClasses();
  if (lacking.length) bringClasses(lacking).then(arrange, withoutClasses);
  else showFound();
}

function showFound() {
  if (state.sort === LISTED && !state.asked.has("places")) Object.assign(state, standard);
  order = sortedBy(matching(), state.sort, state.up);
  if (search !== document.activeElement) search.value = state.asked.get("words") ?? "";
  document.getElementById("shown").textContent = state.asked.size ? `${formatCount(order.length)} of ${formatCount(all.length)}` : formatCount(all.length);
  showSort();
  showChips();
  showNone();
  showView();
  showTray();
  writeAddress();
}

function showView() {
  for (const button of views.querySelectorAll("button")) button.ariaPressed = String((button.dataset.view === "table") === state.table);
  gallery.classList.toggle("as-table", state.table);
  document.getElementById("rows").hidden = !state.table || order.length === 0;
  cards.hidden = state.table;
  if (state.table) {
    cards.replaceChildren();
    more.hidden = true;
    showTable();
  } else {
    pager.hidden = true;
    showCards();
  }
}

function sortBy(key, up) {
  state.sort = key;
  state.up = up;
  arrange();
}

// Show the images that a filter asks for, and no others: {group, split, class, true, predicted, kind, words, attribute:
// [name, value or [from, to]], iou: [from, to], places: [...], said: "what the places are"}.
function showImages({ attribute, iou, places, said = "", ...rest }) {
  keepView();
  state.asked = new Map(Object.entries(rest).filter(([key, value]) => isFilter(key) && value !== undefined && value !== null));
  if (attribute) state.asked.set(OF_ATTRIBUTE + attribute[0], Array.isArray(attribute[1]) ? attribute[1].join("..") : attribute[1]);
  if (iou) state.asked.set("iou", iou.join(".."));
  state.said = said;
  if (places) {
    state.asked.set("places", places.join("."));
    Object.assign(state, { sort: LISTED, up: true });
  }
  search.blur();
  if (!location.hash.startsWith("#image=")) writeHistory("pushState", addressOf(), addressOf());
  arrange();
  gallery.scrollIntoView();
  document.getElementById("shown").focus({ preventScroll: true });
}

// Images in which one class was taken for another.
function showConfused(truth, prediction) {
  const pair = find.confused.find((each) => data.names[each[0]] === truth && data.names[each[1]] === prediction);
  if (!pair) return;
  const [, , count, places] = pair;
  const bounded = places.length < count ? `, the ${formatCount(places.length)} with most of ${formatCount(count)}` : "";
  showImages({ places, said: `True ${truth} predicted as ${prediction}${bounded}` });
}

search.addEventListener("input", () => ask("words", search.value.trim() ? search.value : undefined));
sortList.addEventListener("change", () => sortBy(sortList.value, sorts.get(sortList.value)?.up ?? true));
direction.addEventListener("click", () => sortBy(state.sort, !state.up));
document.getElementById("clear").addEventListener("click", () => {
  state.asked.clear();
  search.value = "";
  arrange();
  search.focus({ preventScroll: true });
});
views.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-view]");
  if (!button) return;
  state.table = button.dataset.view === "table";
  arrange();
});

// ---- what leads to images: data-show holds a filter, data-confused two classes; cards and rows one image (and data-open, in viewer.js)
function lead(event) {
  const { show, confused } = event.target.closest("[data-show], [data-confused]")?.dataset ?? {};
  if (show) showImages(JSON.parse(show));
  else if (confused) showConfused(...JSON.parse(confused));
  else return false;
  return true;
}
document.addEventListener("click", (event) => {
  if (lead(event) || event.target.closest("label, input")) return;
  const opener = event.target.closest("article .stack, #image-table tr[data-place]");
  if (!opener) return;
  const item = opener.closest("[data-place]");
  openImage(Number(item.dataset.place), { within: item.closest("#images") ? order : all });
});
addEventListener("keydown", (event) => {
  if (event.target.closest?.("[role=button]") && ["Enter", " "].includes(event.key) && lead(event)) event.preventDefault();
});

function openAddress() {
  const address = viewAddress();
  if (address === undefined || address === addressOf()) return false;
  readAddress(address);
  return true;
}
addEventListener("popstate", () => { if (openAddress()) arrange(); });
fillSortList();
const toImages = openAddress() && location.hash.startsWith(VIEW);
arrange();
if (toImages) gallery.scrollIntoView();
