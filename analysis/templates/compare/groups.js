// Which groups gain and which lose, and which values of attributes: a dot for each, its mean difference, and a bar, how
// sure that is.

const plots = document.getElementById("plots");
const MANY = 24;

// The mean difference of the images that a key names alike, and what it is made of, group by group.
function meansBy(keyOf) {
  const sums = new Map();
  for (const place of everyPlace) {
    const [key, gain, group] = [keyOf(place), gainOf(place), data.group.of[place]];
    if (key === undefined || gain === null) continue;
    const sum = sums.get(key) ?? { key, images: 0, total: 0, groups: new Map() };
    const own = sum.groups.get(group) ?? { images: 0, total: 0 };
    for (const each of [sum, own]) {
      each.images += 1;
      each.total += gain;
    }
    sum.groups.set(group, own);
    sums.set(key, sum);
  }
  return [...sums.values()].map(({ total, ...known }) => ({ ...known, mean: total / known.images }));
}

function rowOf({ key, images, groups, mean }, filter) {
  const [dot, bar, told] = [element("u"), element("i"), element("span", "mean", formatGain(mean))];
  const row = element("button", "dot-row", element("span", "key", key), element("span", "whisker", element("b"), bar, dot), told);
  row.addEventListener("click", () => showImages(filter(key)));
  const counted = `${key}: ${formatCount(images)} ${images === 1 ? "image" : "images"} of ${formatCount(groups.size)} ${groups.size === 1 ? "group" : "groups"}`;
  const place = (interval, reach) => {
    const at = (value) => 50 + (50 * value) / reach;
    dot.style.left = `${at(mean)}%`;
    row.title = `${counted}${interval ? `, ${interval.map(formatGain).join(" to ")}` : ""}. Show them`;
    if (!interval) return;
    Object.assign(bar.style, { left: `${at(interval[0])}%`, width: `${at(interval[1]) - at(interval[0])}%` });
    told.classList.toggle("sure", interval[0] > 0 || interval[1] < 0);
  };
  return { row, place };
}

const reachOf = (values) => 1.1 * values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

// Of many rows the first and the last, and the others when they are asked for.
function foldedRows(rows) {
  if (rows.length <= MANY) return rows;
  const half = MANY / 2;
  const between = element("button", "rest", `${formatCount(rows.length - MANY)} more between`);
  between.addEventListener("click", () => between.replaceWith(...rows.slice(half, -half)));
  return [...rows.slice(0, half), between, ...rows.slice(-half)];
}

function plotOf(title, means, filter, words) {
  const rows = means.map((each) => rowOf(each, filter));
  const reach = reachOf(means.map(({ mean }) => mean));
  for (const { place } of rows) place(null, reach);
  const { better, worse } = countGains(means.map(({ mean }) => mean));
  const told = element("p", "told", `${nameOf(choice.ours)} is better in ${formatCount(better)} of ${formatCount(means.length)}, ${nameOf(choice.theirs)} in ${formatCount(worse)}.`);
  const ends = element("p", "ends", element("span", "", `← ${nameOf(choice.theirs)} better`), element("span", "", `${nameOf(choice.ours)} better →`));
  const heading = element("h3", "", title);
  heading.dataset.explain = words;
  addExplanation(heading);
  const figure = element("figure", "plot", element("figcaption", "", heading), told, ends, element("div", "rows", ...foldedRows(rows.map(({ row }) => row))));
  drawLater.set(figure, () => drawIntervals(means, rows));
  comesIntoSight.observe(figure);
  return figure;
}

// Drawing groups anew takes a while where there are thousands: of a plot once it comes into sight, or goes to paper.
const drawLater = new Map();
function drawNow(figure) {
  comesIntoSight.unobserve(figure);
  drawLater.get(figure)?.();
  drawLater.delete(figure);
}
const comesIntoSight = new IntersectionObserver((entries) => {
  for (const { target } of entries.filter((entry) => entry.isIntersecting)) drawNow(target);
}, { rootMargin: "300px" });
addEventListener("beforeprint", () => [...drawLater.keys()].forEach(drawNow));

function drawIntervals(means, rows) {
  const intervals = means.map(({ groups }) => intervalOf([...groups.values()]));
  const reach = reachOf([...means.map(({ mean }) => mean), ...intervals.flatMap((interval) => interval ?? [])]);
  rows.forEach(({ place }, number) => place(intervals[number], reach));
}

const ofGroups = "The mean difference of each group's images. There is no interval of one group.";
const ofValues = `The mean difference of the images with each value. Bars are ${Math.round(100 * data.level)} % intervals by drawing the groups with that value anew; there is none with one group. Bold where the interval leaves out 0: of many intervals some do so by chance.`;

const naturally = (a, b) => a.key.localeCompare(b.key, undefined, { numeric: true });

function drawPlots() {
  comesIntoSight.disconnect();
  drawLater.clear();
  const groups = meansBy(groupOf).sort((a, b) => b.mean - a.mean || naturally(a, b));
  const made = [plotOf("By group", groups, (group) => ({ group }), ofGroups)];
  for (const [name, { values, of }] of Object.entries(data.attributes)) {
    const rows = meansBy((place) => values[of[place]]).sort(naturally);
    if (rows.length > 1) made.push(plotOf(`By ${name}`, rows, (value) => ({ attribute: [name, value] }), ofValues));
  }
  plots.replaceChildren(...made);
}
addEventListener("choice", drawPlots);
