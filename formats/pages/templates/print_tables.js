// Paper does not scroll: what is wider than its place there is made smaller.

// Of A4 less its margins, in CSS pixels; and of one of two columns.
const PAPER = 688;
const HALF_PAPER = 328;

// Tables are measured as paper has them, as narrow as their words allow.
function fitToPaper(table) {
  table.classList.add("on-paper");
  const needed = table.offsetWidth;
  table.classList.remove("on-paper");
  const there = table.closest(".columns > :not(.full)") ? HALF_PAPER : PAPER;
  table.style.setProperty("--on-paper", needed > there ? (there / needed).toFixed(3) : 1);
}
addEventListener("beforeprint", () => document.querySelectorAll("table").forEach(fitToPaper));
