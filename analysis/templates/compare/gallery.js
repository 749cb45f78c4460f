// The images that are compared, as pictures side by side or as a table: filtered, sorted, some at a time.

const fields = Object.fromEntries(["search", "group", "attribute", "sort"].map((id) => [id, document.getElementById(id)]));
const pictures = document.getElementById("pictures");
const listed = document.getElementById("listed");
const moreButton = document.getElementById("more");
const MOST_GROUPS = 1000; // in a list to choose from
const atOnce = { pictures: 8, table: 100 };
let shownAs = "pictures";
let arranged = [];

// ---- what may be chosen
const ANY = "";
const attributeNames = Object.keys(columns.attributes);

fillGroups();
fields.attribute.append(optionOf(ANY, "All"), ...attributeNames.map((name, number) => {
  const options = [...columns.attributes[name].values].sort(byNature).map((value) => optionOf(`${number} ${value}`, value));
  return Object.assign(element("optgroup", "", ...options), { label: name });
}));
document.getElementById("attribute-label").hidden = !attributeNames.length;

// Of very many groups one is typed.
function fillGroups() {
  const { values } = columns.group;
  if (values.length > MOST_GROUPS) {
    const typed = Object.assign(element("input", ""), { id: "group", type: "search", autocomplete: "off", placeholder: `Any of ${formatCount(values.length)}` });
    const known = new Set(values);
    typed.addEventListener("change", () => {
      typed.setCustomValidity(typed.value === ANY || known.has(typed.value) ? "" : `None is called ${typed.value}`);
      typed.reportValidity();
    });
    fields.group.replaceWith(typed);
    fields.group = typed;
  } else {
    optionsFor(fields.group, [[ANY, "All groups"], ...[...values].sort(byNature).map((group) => [group, group])]);
  }
}

// A sort is a key, upwards or downwards, and where a key needs it the number of a report.
function sortOptions() {
  const [ours, theirs] = [nameOf(choice.ours), nameOf(choice.theirs)];
  const lowest = everyReport.map((report) => [`score up ${report}`, `Lowest ${metricLabel()} of ${nameOf(report)}`]);
  return [
    ["spread down", data.reports.length > 2 ? "Largest spread of all" : "Largest difference"],
    ["gain down", `${ours} gains most`], ["gain up", `${theirs} gains most`], ...lowest, ["name up", "Name"],
  ];
}

// ---- filter and order
const wordsOf = everyPlace.map((place) => [columns.stems[place], aboutImage(place)].join(" ").toLowerCase());

function chosenAttribute() {
  const [number, ...value] = fields.attribute.value.split(" ");
  return number === ANY ? null : { column: columns.attributes[attributeNames[number]], value: value.join(" ") };
}

function isWanted() {
  const asked = fields.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const group = fields.group.value;
  const attribute = chosenAttribute();
  const hasClass = (place) => !choice.part || everyReport.some((report) => chosenScore(report, place) !== null);
  return (place) => asked.every((word) => wordsOf[place].includes(word))
    && (group === ANY || groupOf(place) === group)
    && (!attribute || attribute.column.values[attribute.column.of[place]] === attribute.value)
    && hasClass(place);
}

function spreadOf(place) {
  const known = everyReport.map((report) => chosenScore(report, place)).filter((score) => score !== null);
  return known.length > 1 ? Math.max(...known) - Math.min(...known) : null;
}
const sortKeys = { spread: spreadOf, gain: gainOf, score: (place, report) => chosenScore(report, place), name: (place) => columns.stems[place], group: groupOf };

// What has no score stands last, whichever way.
function orderBy(text) {
  const [key, way, report] = text.split(" ");
  const values = everyPlace.map((place) => sortKeys[key](place, Number(report)));
  const sign = way === "up" ? 1 : -1;
  const compare = typeof values[0] === "string" ? byNature : (a, b) => a - b;
  return (a, b) => (values[a] === null) - (values[b] === null) || (values[a] !== null && sign * compare(values[a], values[b])) || a - b;
}

let sorting = "spread down";
function arrange() {
  arranged = everyPlace.filter(isWanted()).sort(orderBy(sorting));
  const [some, every] = [arranged.length, everyPlace.length].map(formatCount);
  document.getElementById("shown").textContent = some === every ? every : `${some} of ${every}`;
  document.getElementById("none").hidden = arranged.length > 0;
  pictures.replaceChildren();
  listed.querySelector("tbody").replaceChildren();
  pictures.hidden = shownAs !== "pictures";
  listed.hidden = shownAs !== "table";
  if (shownAs === "table") headTable();
  showSome();
}

function showSome() {
  const [place, make] = shownAs === "pictures" ? [pictures, cardOf] : [listed.querySelector("tbody"), rowOfImage];
  const from = place.children.length;
  place.append(...arranged.slice(from, from + atOnce[shownAs]).map(make));
  moreButton.hidden = place.children.length >= arranged.length;
  moreButton.textContent = `Show more of ${formatCount(arranged.length)}`;
  belowSight.unobserve(moreButton);
  belowSight.observe(moreButton); // which hears at once of a button that is in sight still
}

const belowSight = new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) showSome();
}, { rootMargin: "400px" });

// ---- pictures
function cardOf(place) {
  const gain = element("b", "gain", formatGain(gainOf(place)));
  gain.title = `${choiceWords()}: ${nameOf(choice.ours)} less ${nameOf(choice.theirs)}`;
  const pair = data.reports.length > 2 ? `${nameOf(choice.ours)} less ${nameOf(choice.theirs)}` : "difference";
  const head = element("header", "", element("h3", "", columns.stems[place]), element("p", "", aboutImage(place)), element("span", "of", pair), gain);
  const made = element("article", "", head, element("div", "models", ...everyReport.map((report) => pictureOf(report, place))));
  made.dataset.place = place;
  return made;
}

function pictureOf(report, place) {
  const stack = makeStack("button", columns.width[place], columns.height[place]);
  stack.ariaLabel = `Open ${columns.stems[place]}, ${nameOf(report)} ${formatScore(chosenScore(report, place))}`;
  const { folder } = data.reports[report];
  showPicture(stack, thumbnailOfReport(report, place), folder, columns.stems[place], () => sayGone(stack, folder));
  const name = element("span", "", element("i", `line${(report % 6) + 1}`), nameOf(report));
  return element("figure", "", stack, element("figcaption", "", name, element("b", "", formatScore(chosenScore(report, place)))));
}

function sayGone(stack, folder) {
  stack.querySelector(".image").removeAttribute("src");
  if (!stack.querySelector(".gone")) stack.append(element("span", "gone", "no picture here"));
  document.getElementById("inside").textContent = `${insideWords} Some are not there: ${decodeURI(folder)}layers/ has gone, or was made by an older sageseg; what is inside this page stays.`;
}

const inside = Object.keys(data.thumbnails).length;
const insideWords = inside < everyPlace.length
  ? `Pictures of ${formatCount(inside)} images are inside this page; those of the others load from the reports' folders.` : "";
document.getElementById("inside").textContent = insideWords;

// ---- table
function headTable() {
  const columns = [["Image", "name", "up"], ["Group", "group", "up"], ...everyReport.map((report) => [nameOf(report), "score", "down", report])];
  columns.push([data.reports.length > 2 ? `${nameOf(choice.ours)} less ${nameOf(choice.theirs)}` : "Difference", "gain", "down"]);
  listed.querySelector("thead tr").replaceChildren(...columns.map(headingOf));
}

function headingOf([text, key, way, report]) {
  const button = element("button", "", text);
  const made = element("th", "", button);
  made.scope = "col";
  const [nowKey, nowWay, nowReport] = sorting.split(" ");
  const isSorted = nowKey === key && (report === undefined || String(report) === nowReport);
  if (isSorted) made.ariaSort = nowWay === "up" ? "ascending" : "descending";
  const other = { up: "down", down: "up" };
  button.addEventListener("click", () => {
    sortBy([key, isSorted ? other[nowWay] : way, report ?? ""].join(" ").trim());
    listed.querySelectorAll("thead button")[[...made.parentElement?.children ?? []].indexOf(made)]?.focus();
  });
  return made;
}

function rowOfImage(place) {
  const link = element("a", "", columns.stems[place]);
  link.href = `#image=${encodeURIComponent(columns.stems[place])}`;
  const head = element("th", "", link);
  head.scope = "row";
  const cells = [groupOf(place), ...everyReport.map((report) => formatScore(chosenScore(report, place))), formatGain(gainOf(place))];
  const made = element("tr", "", head, ...cells.map((text) => element("td", "", text)));
  made.dataset.place = place;
  return made;
}

// ---- what people do
function sortBy(text) {
  sorting = text;
  fields.sort.value = text;
  arrange();
}

function showAs(how) {
  shownAs = how;
  for (const button of document.querySelectorAll("[data-view]")) button.ariaPressed = String(button.dataset.view === how);
  arrange();
}

// Only these, in sight: {group} or {attribute: [name, value]}.
function showImages({ group = ANY, attribute = null }) {
  fields.search.value = "";
  fields.group.value = group;
  fields.attribute.value = attribute ? `${attributeNames.indexOf(attribute[0])} ${attribute[1]}` : ANY;
  arrange();
  document.getElementById("images").scrollIntoView();
}

fields.search.addEventListener("input", arrange);
for (const id of ["group", "attribute"]) fields[id].addEventListener("change", arrange);
fields.sort.addEventListener("change", () => sortBy(fields.sort.value));
document.getElementById("clear").addEventListener("click", () => showImages({}));
moreButton.addEventListener("click", showSome);
for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => showAs(button.dataset.view));
document.getElementById("images").addEventListener("click", (event) => {
  const opener = event.target.closest("article .stack, tbody a");
  if (!opener) return;
  event.preventDefault();
  openImage(Number(opener.closest("[data-place]").dataset.place), { within: arranged });
});
addEventListener("choice", () => {
  optionsFor(fields.sort, sortOptions());
  fields.sort.value = sorting;
  arrange();
});
showAs("pictures");
choose("part", 0);
