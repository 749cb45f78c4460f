// The gallery: a card for every image, some at a time; search, sort, and what opens the viewer.

const STEP = 24;
const cards = document.getElementById("cards");
const search = document.getElementById("search");
const sort = document.getElementById("sort");
const more = document.getElementById("more");
const all = data.images.map((_, place) => place);
let order = all;

function formatScore(value) {
  if (value === null) return "–";
  if (value > 0 && value < 0.00005) return "<0.0001";
  if (value >= 0.99995 && value < 1) return ">0.9999";
  return value.toFixed(4);
}
const formatCount = (value) => value.toLocaleString("en");
const attributes = (image) => Object.entries(image.attributes).map(([name, value]) => `${name} ${value}`);

function aboutText(image) {
  return [image.group, image.split, ...attributes(image), image.judged].filter(Boolean).join(" · ");
}
function scoreText(image) {
  const pixels = `false positive ${formatCount(image.wrong)} px · missed ${formatCount(image.missed)} px`;
  return `IoU ${formatScore(image.iou)} · Dice ${formatScore(image.dice)} · ${pixels}`;
}

const several = data.classes.length > 0;
const meanings = {
  iou: `IoU of this image alone, TP / (TP + FP + FN)${several ? ": the mean over the foreground classes that are true or predicted in it" : ""}`,
  dice: `Dice of this image alone, 2 TP / (2 TP + FP + FN)${several ? ": the mean over the foreground classes" : ""}; 1 for a class that is neither true nor predicted in it, and is in other images`,
};

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function stackOf(place) {
  const image = data.images[place];
  const inside = data.thumbnails[place];
  const made = element("button", "stack");
  made.type = "button";
  made.ariaLabel = `Open ${image.stem}, IoU ${formatScore(image.iou)}`;
  made.style.aspectRatio = `${image.width} / ${image.height}`;
  for (const layer of layerNames) {
    const shown = new Image();
    shown.className = layer;
    shown.alt = "";
    shown.decoding = "async";
    if (!inside) shown.loading = "lazy";
    shown.src = inside ? inside[layer] : fullSize(layer, image);
    made.append(shown);
  }
  return made;
}

function card(place) {
  const image = data.images[place];
  const name = element("h3", "", image.stem);
  const ranked = sort.value.startsWith("dice") ? "dice" : "iou";
  const score = element("b", ranked, ranked === "dice" ? `Dice ${formatScore(image.dice)}` : formatScore(image.iou));
  score.title = meanings[ranked];
  const counts = element("p", "counts", `False positive ${formatCount(image.wrong)} px · missed ${formatCount(image.missed)} px`);
  const made = element("article", "", stackOf(place), element("div", "name", name, score), element("p", "where", aboutText(image)), counts);
  made.dataset.place = place;
  if (image.classes) made.append(byClass(image, ranked));
  return made;
}

function byClass(image, ranked) {
  const known = image.classes[ranked].map((value, id) => [data.classes[id], value]).filter(([, value]) => value !== null);
  const made = element("p", "by-class", ...known.map(([name, value]) => element("span", "", `${name} ${formatScore(value)}`)));
  made.title = `${ranked === "dice" ? "Dice" : "IoU"} of each class`;
  return made;
}

// The end of a name tells images of one group apart.
const ending = (stem) => (stem.length > 12 ? `…${stem.slice(-10)}` : stem);

function small(place) {
  const image = data.images[place];
  const name = element("h3", "", ending(image.stem));
  name.title = image.stem;
  const made = element("article", "", stackOf(place), element("div", "name", name, element("b", "iou", formatScore(image.iou))));
  made.dataset.place = place;
  return made;
}

// ---- order
const downwards = (key) => (a, b) => data.images[b][key] - data.images[a][key] || a - b;
const byDice = (sign) => (a, b) => {
  const [one, other] = [data.images[a].dice, data.images[b].dice];
  return (one === null) - (other === null) || sign * (one - other) || sign * (a - b);
};
const orders = {
  worst: (a, b) => a - b,
  best: (a, b) => (data.images[a].iou === null) - (data.images[b].iou === null) || b - a,
  dice: byDice(1),
  "dice-best": byDice(-1),
  wrong: downwards("wrong"),
  missed: downwards("missed"),
  name: (a, b) => data.images[a].stem.localeCompare(data.images[b].stem, undefined, { numeric: true }),
};
const texts = data.images.map((image) => [image.stem, image.group, image.split, ...attributes(image)].join(" ").toLowerCase());

function arrange() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  order = all.filter((place) => words.every((word) => texts[place].includes(word))).sort(orders[sort.value]);
  document.getElementById("shown").textContent = words.length ? `${formatCount(order.length)} of ${formatCount(all.length)}` : formatCount(all.length);
  document.getElementById("none").hidden = order.length > 0;
  cards.replaceChildren();
  showMore();
}

function showMore() {
  const from = cards.children.length;
  cards.append(...order.slice(from, from + STEP).map(card));
  more.hidden = cards.children.length >= order.length;
  more.textContent = `Show more of ${formatCount(order.length)}`;
}

search.addEventListener("input", arrange);
sort.addEventListener("change", arrange);
more.addEventListener("click", showMore);
new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) showMore();
}, { rootMargin: "600px" }).observe(more);

// ---- what opens the viewer
document.addEventListener("click", (event) => {
  const opener = event.target.closest("article .stack, [data-open]");
  if (!opener) return;
  const article = opener.closest("article");
  const place = article ? Number(article.dataset.place) : data.images.findIndex((image) => image.stem === opener.dataset.open);
  const within = article && article.parentElement === cards ? order : all;
  openViewer(within, within.indexOf(place));
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || viewer.open || event.target.closest("input, select")) return;
  event.preventDefault();
  search.focus();
});

for (const [id, places] of [["worst", data.worst], ["best", data.best]]) {
  document.getElementById(id)?.append(...places.map(small));
}
arrange();
showLayers();
