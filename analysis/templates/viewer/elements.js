// What all scripts of a page make elements and texts with; functions, so that scripts before this one may call them.

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function drawing(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function formatCount(value) {
  return value.toLocaleString("en");
}

// As format_score and format_share of formats/texts/wording.py.
function formatScore(value) {
  if (value === null) return "–";
  if (value > 0 && value < 0.00005) return "<0.0001";
  if (value >= 0.99995 && value < 1) return ">0.9999";
  return value.toFixed(4);
}
function formatShare(value) {
  if (value === null) return "–";
  const percent = 100 * value;
  if (percent > 0 && percent < 0.0005) return "<0.001 %";
  if (percent >= 99.95 && percent < 100) return ">99.9 %";
  return `${percent.toFixed(percent > 0 && percent < 1 ? 3 : 1)} %`;
}

// One line that is said where one looks: in the viewer, or at the page's foot.
function tell(line) {
  const inside = document.getElementById("viewer").open;
  document.getElementById(inside ? "viewer-note" : "page-note").textContent = line;
}
