// What the page knows, and what all scripts of all pages make elements, colours and texts with.

const data = JSON.parse(document.getElementById("data").textContent);

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (tag === "button") made.type = "button";
  if (className) made.className = className;
  made.append(...children);
  return made;
}

const optionOf = (value, words) => Object.assign(element("option", "", words), { value });

function drawing(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// A colour, 0..255, for CSS, and as a canvas keeps it.
const colourText = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;
const colourNumber = ([red, green, blue, opacity = 255]) => ((opacity << 24) | (blue << 16) | (green << 8) | red) >>> 0;

const formatCount = (value) => value.toLocaleString("en");

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
