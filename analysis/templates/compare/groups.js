// Which groups gain and which lose, and which values of attributes: a dot for each, its mean difference.

const plots = document.getElementById("plots");
const MANY = 24;

// The mean difference of the images that a key names alike.
function meansBy(keyOf) {
  const sums = new Map();
  for (const place of everyPlace) {
    const [key, gain] = [keyOf(place), gainOf(place)];
    if (key === undefined || gain === null) continue;
    const sum = sums.get(key) ?? { key, images: 0, total: 0 };
    sum.images += 1;
    sum.total += gain;
    sums.set(key, sum);
  }
  return [...sums.values()].map(({ key, images, total }) => ({ key, images, mean: total / images }));
}

function rowOf({ key, images, mean }, reach, filter) {
  const dot = element("u");
  dot.style.left = `${50 + (50 * mean) / reach}%`;
  const track = element("span", "whisker", element("b"), dot);
  const row = element("button", "dot-row", element("span", "key", key), track, element("span", "mean", formatGain(mean)));
  row.type = "button";
  row.title = `${key}: ${formatCount(images)} ${images === 1 ? "image" : "images"}. Show them`;
  row.addEventListener("click", () => showImages(filter(key)));
  return row;
}

// Of many rows the first and the last, and the others when they are asked for.
function rowsOf(rows, reach, filter) {
  const made = (some) => some.map((row) => rowOf(row, reach, filter));
  if (rows.length <= MANY) return made(rows);
  const half = MANY / 2;
  const between = element("button", "rest", `${formatCount(rows.length - MANY)} more between`);
  between.type = "button";
  between.addEventListener("click", () => between.replaceWith(...made(rows.slice(half, -half))));
  return [...made(rows.slice(0, half)), between, ...made(rows.slice(-half))];
}

function plotOf(title, rows, filter) {
  const reach = 1.1 * rows.reduce((most, { mean }) => Math.max(most, Math.abs(mean)), 0) || 1;
  const { better, worse } = countGains(rows.map(({ mean }) => mean));
  const told = element("p", "told", `${nameOf(choice.ours)} is better in ${formatCount(better)} of ${formatCount(rows.length)}, ${nameOf(choice.theirs)} in ${formatCount(worse)}.`);
  const ends = element("p", "ends", element("span", "", `← ${nameOf(choice.theirs)} better`), element("span", "", `${nameOf(choice.ours)} better →`));
  const list = element("div", "rows", ...rowsOf(rows, reach, filter));
  return element("figure", "plot", element("figcaption", "", element("h3", "", title)), told, ends, list);
}

const naturally = (a, b) => a.key.localeCompare(b.key, undefined, { numeric: true });

function drawPlots() {
  const groups = meansBy(groupOf).sort((a, b) => b.mean - a.mean || naturally(a, b));
  const made = [plotOf("By group", groups, (group) => ({ group }))];
  for (const [name, { values, of }] of Object.entries(data.attributes)) {
    const rows = meansBy((place) => values[of[place]]).sort(naturally);
    if (rows.length > 1) made.push(plotOf(`By ${name}`, rows, (value) => ({ attribute: [name, value] })));
  }
  plots.replaceChildren(...made);
}
addEventListener("choice", drawPlots);
