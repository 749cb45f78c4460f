// The gallery: a card for every image, some at a time; search, sort, and what opens the viewer.

const STEP = 24;
const cards = document.getElementById("cards");
const search = document.getElementById("search");
const sort = document.getElementById("sort");
const more = document.getElementById("more");
let order = all;

function aboutText(image) {
  const judged = image.judged !== null && image.judged < 1 ? [`${formatShare(image.judged)} judged`] : [];
  return [image.group, image.split, ...image.attributes.map((pair) => pair.join(" ")), ...judged].filter(Boolean).join(" · ");
}
function scoreText(image) {
  const pixels = `false positive ${formatCount(image.wrong)} px · missed ${formatCount(image.missed)} px`;
  return `IoU ${formatScore(image.iou)} · Dice ${formatScore(image.dice)} · ${pixels}`;
}

const several = foreground.length > 1;
const meanings = {
  iou: `IoU of this image alone, TP / (TP + FP + FN)${several ? ": the mean over the foreground classes that are true or predicted in it" : ""}`,
  dice: `Dice of this image alone, 2 TP / (2 TP + FP + FN)${several ? ": the mean over the foreground classes" : ""}; 1 for a class that is neither true nor predicted in it, and is in other images`,
};

function stackOf(place) {
  const image = imageAt(place);
  const made = makeStack("button", image.width, image.height);
  made.type = "button";
  made.ariaLabel = `Open ${image.stem}, IoU ${formatScore(image.iou)}`;
  if (data.thumbnails[place]) showThumbnail(made, data.thumbnails[place]);
  else {
    made.dataset.place = place;
    near.observe(made);
  }
  return made;
}

// What is not inside is loaded where it comes into sight.
const near = new IntersectionObserver((entries) => {
  for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
    near.unobserve(target);
    const { stem } = imageAt(target.dataset.place);
    target.querySelector(".image").src = imageFile("", stem);
    loadLayers("", stem).then((layers) => setPairs(target, layers), () => {});
  }
}, { rootMargin: "400px" });

function card(place) {
  const image = imageAt(place);
  const name = element("h3", "", image.stem);
  const ranked = sort.value.startsWith("dice") ? "dice" : "iou";
  const score = element("b", ranked, ranked === "dice" ? `Dice ${formatScore(image.dice)}` : formatScore(image.iou));
  score.title = meanings[ranked];
  const counts = element("p", "counts", `False positive ${formatCount(image.wrong)} px · missed ${formatCount(image.missed)} px`);
  const made = element("article", "", stackOf(place), element("div", "name", name, score), element("p", "where", aboutText(image)), counts);
  made.dataset.place = place;
  if (several && data.classes) made.append(byClass(place, ranked));
  return made;
}

function byClass(place, ranked) {
  const known = foreground.map((name, id) => [name, data.classes[ranked][id][place]]).filter(([, value]) => value !== null);
  const made = element("p", "by-class", ...known.map(([name, value]) => element("span", "", `${name} ${formatScore(value)}`)));
  made.title = `${ranked === "dice" ? "Dice" : "IoU"} of each class`;
  return made;
}

// The end of a name tells images of one group apart.
const ending = (stem) => (stem.length > 12 ? `…${stem.slice(-10)}` : stem);

function small(place) {
  const image = imageAt(place);
  const name = element("h3", "", ending(image.stem));
  name.title = image.stem;
  const made = element("article", "", stackOf(place), element("div", "name", name, element("b", "iou", formatScore(image.iou))));
  made.dataset.place = place;
  return made;
}

// ---- order
const downwards = (key) => (a, b) => columns[key][b] - columns[key][a] || a - b;
const byDice = (sign) => (a, b) => {
  const [one, other] = [columns.dice[a], columns.dice[b]];
  return (one === null) - (other === null) || sign * (one - other) || sign * (a - b);
};
const orders = {
  worst: (a, b) => a - b,
  best: (a, b) => (columns.iou[a] === null) - (columns.iou[b] === null) || b - a,
  dice: byDice(1),
  "dice-best": byDice(-1),
  wrong: downwards("wrong"),
  missed: downwards("missed"),
  name: (a, b) => columns.stem[a].localeCompare(columns.stem[b], undefined, { numeric: true }),
};
const texts = all.map(imageAt).map((image) => [image.stem, image.group, image.split, ...image.attributes.map((pair) => pair.join(" "))].join(" ").toLowerCase());

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
  const place = article ? Number(article.dataset.place) : placeOf.get(opener.dataset.open);
  const within = article && article.parentElement === cards ? order : all;
  openImage(place, { within });
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
