// A button at each table of data-csv="name" that saves what it shows as name.csv, for a spreadsheet.

// A text that a spreadsheet would take for a formula has an apostrophe before it, as in the files beside the page.
function csvCell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// What a cell says: its raw value where it has one, else its text without the small print.
function cellText(cell) {
  if (cell.dataset.value !== undefined) return cell.dataset.value;
  const copy = cell.cloneNode(true);
  for (const aside of copy.querySelectorAll("small, .aside")) aside.remove();
  const text = copy.textContent.trim();
  return text === "–" ? "" : text;
}

const tableText = (table) => `${[...table.rows].map((row) => [...row.cells].map((cell) => csvCell(cellText(cell))).join(",")).join("\r\n")}\r\n`;

function saveText(name, text, type = "text/csv") {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

for (const table of document.querySelectorAll("table[data-csv]")) {
  const button = element("button", "csv", "CSV");
  button.title = `Save this table as ${table.dataset.csv}.csv`;
  button.addEventListener("click", () => saveText(`${table.dataset.csv}.csv`, tableText(table)));
  (table.closest(".wide") ?? table).after(button);
}

// What is wider than its place scrolls, and so by keyboard too.
const scrolls = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const needed = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
    if (needed) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const place of document.querySelectorAll(".wide")) {
  place.role = "region";
  const heading = place.closest("details")?.querySelector("summary") ?? place.closest("section")?.querySelector("h2, h3");
  place.ariaLabel = place.dataset.name ?? heading?.textContent.trim() ?? "Table";
  scrolls.observe(place);
}
