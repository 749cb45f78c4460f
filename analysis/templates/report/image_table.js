// The table of images: a row for each, a page of them at a time; its headings sort, a row opens its image.

const ROWS = 100;
const imageTable = document.getElementById("image-table");
const pager = document.getElementById("pager");
let firstRow = 0;

// Columns of classes where they are few; else of the class that is asked for.
function shownColumns() {
  const asked = CLASS_FILTERS.map((key) => state.asked.get(key)).filter(Boolean);
  const { class: sortedClass } = sorts.get(state.sort) ?? {};
  const asksFor = (column) => !column.class || foreground.length <= FEW_CLASSES || asked.includes(column.class) || column.class === sortedClass;
  const shown = (column) => asksFor(column) && !(classesAbsent && column.needs?.some((id) => !ofClass[id]));
  return [...sorts.values()].filter(shown);
}

const cellClass = (column) => [column.text && "text", several && column.class && "of-class"].filter(Boolean).join(" ");

function headingOf(column) {
  const button = element("button", "", column.label);
  button.dataset.sort = column.key;
  const made = element("th", cellClass(column), button);
  made.scope = "col";
  if (column.meaning) made.title = column.meaning;
  if (column.key === state.sort) made.ariaSort = state.up ? "ascending" : "descending";
  return made;
}

function rowOf(place, shown) {
  const made = element("tr", "");
  made.dataset.place = place;
  made.append(element("td", "", chooseBox(place)));
  for (const column of shown) {
    const cell = element(column.key === "name" ? "th" : "td", cellClass(column), column.key === "name" ? openerOf(place) : column.words(place));
    if (column.key === "name") cell.scope = "row";
    made.append(cell);
  }
  return made;
}
function openerOf(place) {
  const made = element("button", "lead", columns.stem[place]);
  made.title = `Open ${columns.stem[place]}`;
  return made;
}

function showTable(from = 0) {
  firstRow = Math.max(0, Math.min(from, order.length - 1));
  firstRow -= firstRow % ROWS;
  const shown = shownColumns();
  const corner = element("th", "", element("span", "unseen", "Chosen"));
  corner.scope = "col";
  imageTable.tHead.rows[0].replaceChildren(corner, ...shown.map(headingOf));
  imageTable.tBodies[0].replaceChildren(...order.slice(firstRow, firstRow + ROWS).map((place) => rowOf(place, shown)));
  document.getElementById("more-columns").hidden = shown.length === sorts.size;
  showPager();
}

function showPager() {
  pager.hidden = order.length <= ROWS;
  const last = Math.min(firstRow + ROWS, order.length);
  pager.querySelector("output").textContent = `${formatCount(firstRow + 1)} to ${formatCount(last)} of ${formatCount(order.length)}`;
  for (const button of pager.querySelectorAll("button")) button.disabled = Number(button.dataset.page) < 0 ? firstRow === 0 : last === order.length;
}

pager.addEventListener("click", ({ target }) => {
  const by = Number(target.closest("button")?.dataset.page);
  if (!by) return;
  showTable(firstRow + by * ROWS);
  gallery.scrollIntoView();
});
imageTable.tHead.addEventListener("click", ({ target }) => {
  const key = target.closest("button")?.dataset.sort;
  if (!key) return;
  sortBy(key, key === state.sort ? !state.up : sorts.get(key).up);
  imageTable.tHead.querySelector(`[aria-sort] button`)?.focus();
});
