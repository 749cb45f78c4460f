// Which groups gain and which lose, and which values of attributes: a dot for each, its mean difference, and a bar, how
// sure that is.

const plots = document.getElementById("plots");
const MANY = 24;
const MORE = 1000; // at a click

// The mean difference of the images that a key names alike, and what it is made of, group by group.
function meansBy(keyOf) {
  const sums = new Map();
  for (const place of everyPlace) {
    const [key, gain, group] = [keyOf(place), gainOf(place), columns.group.of[place]];
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

const reachOf = (values) => 1.1 * values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

// A dot and, once it is known how sure it is, a bar; "interval" and "reach", where the scale ends, are the plot's.
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

// The rows of a plot: of many the first and the last, and the others when they are asked for.
class Rows {
  constructor(means, filter) {
    Object.assign(this, { means, filter, intervals: [], made: [], reach: reachOf(means.map(({ mean }) => mean)) });
    const half = MANY / 2;
    this.list = element("div", "rows", ...(means.length > MANY
      ? [...this.make(0, half), this.between(half, means.length - half), ...this.make(means.length - half, means.length)]
      : this.make(0, means.length)));
  }

  make(from, to) {
    return this.means.slice(from, to).map((each, number) => {
      const { row, place } = rowOf(each, this.filter);
      const show = () => place(this.intervals[from + number], this.reach);
      show();
      this.made.push(show);
      return row;
    });
  }

  between(from, to) {
    const button = element("button", "rest", `${formatCount(to - from)} more between`);
    button.addEventListener("click", () => {
      const next = Math.min(from + MORE, to);
      button.replaceWith(...this.make(from, next), ...(next < to ? [this.between(next, to)] : []));
    });
    return button;
  }

  drawIntervals() {
    this.intervals = this.means.map(({ groups }) => intervalOf([...groups.values()]));
    this.reach = reachOf([...this.means.map(({ mean }) => mean), ...this.intervals.flatMap((interval) => interval ?? [])]);
    for (const show of this.made) show();
  }
}

// Drawing groups anew takes a while where there are thousands: of a plot once it comes into sight, or goes to paper.
const drawLater = new Map();
function drawNow(figure) {
  comesIntoSight.unobserve(figure);
  drawLater.get(figure)?.drawIntervals();
  drawLater.delete(figure);
}
const comesIntoSight = new IntersectionObserver((entries) => {
  for (const { target } of entries.filter((entry) => entry.isIntersecting)) drawNow(target);
}, { rootMargin: "300px" });
addEventListener("beforeprint", () => [...drawLater.keys()].forEach(drawNow));

function plotOf(title, means, filter, words) {
  const { better, worse } = countGains(means.map(({ mean }) => mean));
  const told = element("p", "told", !means.length ? "No image has this score by both." : `${nameOf(choice.ours)} is better in ${formatCount(better)} of ${formatCount(means.length)}, ${nameOf(choice.theirs)} in ${formatCount(worse)}.`);
  const ends = element("p", "ends", element("span", "", `← ${nameOf(choice.theirs)} better`), element("span", "", `${nameOf(choice.ours)} better →`));
  const heading = element("h3", "", title);
  heading.dataset.explain = words;
  addExplanation(heading);
  const rows = new Rows(means, filter);
  const figure = element("figure", "plot", element("figcaption", "", heading), told, ends, rows.list);
  drawLater.set(figure, rows);
  comesIntoSight.observe(figure);
  return figure;
}

const ofGroups = "The mean difference of each group's images. There is no interval of one group.";
const ofValues = `The mean difference of the images with each value. Bars are ${Math.round(100 * data.level)} % intervals by drawing the groups with that value anew; there is none with one group. Bold where the interval leaves out 0: of many intervals some do so by chance.`;

const naturally = (a, b) => byNature(a.key, b.key);

function drawPlots() {
  comesIntoSight.disconnect();
  drawLater.clear();
  const groups = meansBy(groupOf).sort((a, b) => b.mean - a.mean || naturally(a, b));
  const made = [plotOf("By group", groups, (group) => ({ group }), ofGroups)];
  for (const [name, { values, of }] of Object.entries(columns.attributes)) {
    const rows = meansBy((place) => values[of[place]]).sort(naturally);
    if (rows.length > 1) made.push(plotOf(`By ${name}`, rows, (value) => ({ attribute: [name, value] }), ofValues));
  }
  plots.replaceChildren(...made);
}
addEventListener("choice", drawPlots);
