// The images that are compared, the largest disagreement first: columns of what is known of them, by their place. Of
// many images the page itself holds the first ones, and a file beside it holds all.

const tellsAll = (told) => [told?.stems, told?.width, told?.height, told?.group?.of].every((column) => column?.length === data.count)
  && data.metrics.every(({ key }) => data.reports.every((_, report) => told.scores?.[key]?.[report]?.every((column) => column.length === data.count)))
  && Object.values(told.attributes ?? { none: {} }).every((column) => column.of?.length === data.count);
const columns = await allOrOwn(tellsAll, () => data);
const isOfSome = columns.stems.length < (data.count ?? 0);

const everyReport = data.reports.map((_, number) => number);
const groupOf = (place) => columns.group.values[columns.group.of[place]];
const attributesOf = (place) => Object.entries(columns.attributes)
  .map(([name, { values, of }]) => [name, values[of[place]]])
  .filter(([, value]) => value !== undefined);

// A report's score of an image: part 0 is the mean over the foreground classes, the others are the classes.
function scoreOf(metric, report, part, place) {
  const score = columns.scores[metric][report][part][place];
  return score === null ? null : score / data.scale;
}

// As format_difference of formats/texts/wording.py.
function formatGain(value) {
  if (value === null) return "–";
  const sign = value < -0.00005 ? "−" : "+";
  return `${sign}${Math.abs(value).toFixed(4)}`;
}

const scoresText = (report, place) => data.metrics.map(({ key, label }) => `${label} ${formatScore(scoreOf(key, report, 0, place))}`).join(" · ");
const aboutImage = (place) => [groupOf(place), ...attributesOf(place).map((pair) => pair.join(" "))].join(" · ");
const meanings = `Scores of this image alone${data.names.length > 2 ? ", means over the foreground classes" : ""}.`;

// What a report's picture of an image is drawn of, where the page holds it.
function thumbnailOfReport(report, place) {
  const inside = data.thumbnails[place];
  return inside?.pairs[report] ? { image: inside.image, ...inside.pairs[report] } : undefined;
}

const viewed = {
  kind: "comparison",
  names: data.names,
  mostTold: data.mostTold,
  mostInside: 0,
  tints: data.tints,
  agreement: data.agreement,
  stems: columns.stems,
  image: (place) => ({ width: columns.width[place], height: columns.height[place], about: aboutImage(place), meaning: meanings }),
  panes: (place) => data.reports.map(({ name, folder }, report) => ({
    title: name, about: scoresText(report, place), folder, thumbnail: thumbnailOfReport(report, place),
  })),
  searches: "search",
  keys: [],
};
