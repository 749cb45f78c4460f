// Words explained in place: whatever has a title that explains gets a button, whose press shows it, for no touch and no
// key brings a title up.

const explanation = element("div");
Object.assign(explanation, { id: "explanation", role: "status", hidden: true });
document.body.append(explanation);
let explained = null;

function explain(button) {
  explained?.setAttribute("aria-expanded", "false");
  explained = button;
  explanation.hidden = button === null;
  if (button === null) return;
  button.setAttribute("aria-expanded", "true");
  explanation.textContent = button.dataset.words;
  const at = button.getBoundingClientRect();
  const widest = document.documentElement.clientWidth;
  const left = at.left + at.width / 2 - explanation.offsetWidth / 2;
  explanation.style.left = `${scrollX + Math.max(8, Math.min(left, widest - explanation.offsetWidth - 8))}px`;
  const below = at.bottom + 6 + explanation.offsetHeight < innerHeight || at.top < explanation.offsetHeight + 6;
  explanation.style.top = `${scrollY + (below ? at.bottom + 6 : at.top - explanation.offsetHeight - 6)}px`;
}

function addExplanation(holder, place = holder) {
  const button = element("button", "explain aside", "?");
  button.ariaExpanded = "false";
  button.ariaLabel = `What is ${place.textContent.trim()}?`;
  button.dataset.words = holder.dataset.explain ?? holder.title;
  button.setAttribute("aria-controls", explanation.id);
  holder.removeAttribute("title");
  place.append(" ", button);
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    explain(explained === button ? null : button);
  });
}

for (const holder of document.querySelectorAll("thead th[title], [data-explain]")) addExplanation(holder);
for (const holder of document.querySelectorAll("dl > div[title]")) addExplanation(holder, holder.querySelector("dt"));
for (const holder of document.querySelectorAll(".score[title]")) addExplanation(holder, holder.querySelector("h2"));

document.addEventListener("click", (event) => { if (explained && !explanation.contains(event.target)) explain(null); });
document.addEventListener("focusin", (event) => { if (explained && event.target !== explained) explain(null); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !explained) return;
  event.stopPropagation();
  explain(null);
});
addEventListener("resize", () => explain(null));
