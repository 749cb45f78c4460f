// Tables of class "sortable": each heading sorts its column, first downwards, then upwards.

const number = (text) => Number(text.replace(/[,\s%<>]/g, ""));

// Texts as people order them, 2 before 10; made once, for each comparison by localeCompare would make one anew.
const { compare: byNature } = new Intl.Collator(undefined, { numeric: true });

function byColumn(column, direction) {
  const text = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  return (a, b) => {
    const [one, other] = [number(text(a)), number(text(b))];
    if (Number.isNaN(one) && Number.isNaN(other)) return direction * byNature(text(a), text(b));
    if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) ? 1 : -1;
    return direction * (one - other);
  };
}

function sortTable(heading) {
  const { cellIndex } = heading;
  const body = heading.closest("table").tBodies[0];
  const first = cellIndex === 0 ? "ascending" : "descending";
  const order = heading.ariaSort === first ? { ascending: "descending", descending: "ascending" }[first] : first;
  for (const other of heading.parentElement.cells) other.ariaSort = null;
  heading.ariaSort = order;
  body.append(...[...body.rows].sort(byColumn(cellIndex, order === "ascending" ? 1 : -1)));
}

for (const heading of document.querySelectorAll("table.sortable thead th")) {
  const button = element("button", "", ...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => sortTable(heading));
}
