// The gallery: a card for every image, some at a time.

const STEP = 24;
const cards = document.getElementById("cards");
const more = document.getElementById("more");

function aboutText(image) {
  const judged = image.judged !== null && image.judged < 1 ? [`${formatShare(image.judged)} judged`] : [];
  return [image.group, image.split, ...image.attributes.map((pair) => pair.join(" ")), ...judged].filter(Boolean).join(" · ");
}
function scoreText(image) {
  const pixels = `false positive ${formatCount(image.wrong)} px · missed ${formatCount(image.missed)} px`;
  return `IoU ${formatScore(image.iou)} · Dice ${formatScore(image.dice)} · ${pixels}`;
}

const meanings = {
  iou: `IoU of this image alone, TP / (TP + FP + FN)${several ? ": the mean over the foreground classes that are true or predicted in it" : ""}`,
  dice: `Dice of this image alone, 2 TP / (2 TP + FP + FN)${several ? ": the mean over the foreground classes" : ""}; 1 for a class that is neither true nor predicted in it, and is in other images`,
};

function stackOf(place) {
  const image = imageAt(place);
  const made = makeStack("button", image.width, image.height);
  made.ariaLabel = `Open ${image.stem}, IoU ${formatScore(image.iou)}`;
  showPicture(made, data.thumbnails[place], "", image.stem);
  return made;
}

// A card says the number by which it is sorted, where it says no other.
const ranking = () => (state.sort === "dice" ? "dice" : "iou");
const SAID = new Set(["iou", "dice", "wrong", "missed", "name", "group", "split", "judged"]);

function card(place) {
  const image = imageAt(place);
  const ranked = ranking();
  const shown = element("b", ranked, ranked === "dice" ? `Dice ${formatScore(image.dice)}` : formatScore(image.iou));
  shown.title = meanings[ranked];
  const name = element("div", "name", chooseBox(place), element("h3", "", image.stem), shown);
  const counts = element("p", "counts", `False positive ${formatCount(image.wrong)} px · missed ${formatCount(image.missed)} px`);
  const made = element("article", "", stackOf(place), name, element("p", "where", aboutText(image)), counts);
  made.dataset.place = place;
  if (several && data.classes) made.append(byClass(place, ranked));
  const by = sorts.get(state.sort);
  if (by && !SAID.has(by.key) && !by.key.startsWith(OF_ATTRIBUTE)) made.append(element("p", "sorted", `${by.label} ${by.words(place)}`));
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

function showCards() {
  for (const stack of cards.querySelectorAll(".stack")) nearSight.unobserve(stack);
  cards.replaceChildren();
  showMore();
}

function showMore() {
  const from = cards.children.length;
  cards.append(...order.slice(from, from + STEP).map(card));
  more.hidden = cards.children.length >= order.length;
  more.textContent = `Show more of ${formatCount(order.length)}`;
}

more.addEventListener("click", showMore);
new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting) && !more.hidden) showMore();
}, { rootMargin: "600px" }).observe(more);
for (const [id, places] of [["worst", data.worst], ["best", data.best]]) {
  document.getElementById(id)?.append(...places.map(small));
}
