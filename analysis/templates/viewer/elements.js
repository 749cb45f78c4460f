// What all scripts of a page make elements and texts with.

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

// One line that is said where one looks: in the viewer, or at the page's foot.
function tell(line) {
  const inside = document.getElementById("viewer").open;
  document.getElementById(inside ? "viewer-note" : "page-note").textContent = line;
}
