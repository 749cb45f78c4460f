// What is asked of images: for each filter its test of one image, and its words. A filter is a key, as the address has
// it, and a text; the attributes' keys begin with "attribute.".

const { find } = data;
// Columns of the foreground classes, from 0; where they lie beside the page, those that have been read.
const ofClass = data.classes ? foreground.map((_, id) => insideColumns(id + 1)) : [];
const OF_ATTRIBUTE = "attribute.";
const bits = { "wrong-halo": 1, "wrong-bulge": 2, "wrong-object": 4, "missed-halo": 8, "missed-bulge": 16, "missed-object": 32, suspicious: 64 };
const hasBits = (mask) => (place) => (found.errors[place] & mask) !== 0;

// Kinds of errors: what an image must have, and how that is called.
const kinds = new Map(Object.entries({
  wrong: ["False positives", (place) => columns.wrong[place] > 0],
  missed: ["Missed pixels", (place) => columns.missed[place] > 0],
  "wrong-halo": ["False positive halos", hasBits(bits["wrong-halo"])],
  "wrong-bulge": ["False positive bulges", hasBits(bits["wrong-bulge"])],
  "wrong-object": ["False positive objects", hasBits(bits["wrong-object"])],
  "missed-halo": ["Missed halos", hasBits(bits["missed-halo"])],
  "missed-bulge": ["Missed bulges", hasBits(bits["missed-bulge"])],
  "missed-object": ["Missed objects", hasBits(bits["missed-object"])],
  halo: ["Halos", hasBits(bits["wrong-halo"] | bits["missed-halo"])],
  bulge: ["Bulges", hasBits(bits["wrong-bulge"] | bits["missed-bulge"])],
  object: ["Wrong or missed objects", hasBits(bits["wrong-object"] | bits["missed-object"])],
  clean: ["Without an error", (place) => columns.judged[place] !== null && columns.wrong[place] + columns.missed[place] === 0],
  unjudged: ["Not fully judged", (place) => columns.judged[place] === null || columns.judged[place] < 1],
  suspicious: ["Suspicious labels", hasBits(bits.suspicious)],
}));

const ofColumn = (column) => (value) => {
  const code = column.values.indexOf(value);
  return (place) => column.of[place] === code;
};
const hasClass = (...sides) => (name) => {
  const pixels = sides.map((side) => ofClass[foreground.indexOf(name)]?.[side] ?? []);
  return (place) => pixels.some((column) => column[place] > 0);
};

// "0.5..0.6", "3..", "..7": from and to; undefined where a text is no range.
function rangeOf(text) {
  const ends = text.split("..");
  if (ends.length !== 2 || ends.every((end) => end.trim() === "") || ends.some((end) => Number.isNaN(Number(end)))) return undefined;
  return ends.map((end, side) => (end.trim() === "" ? [-Infinity, Infinity][side] : Number(end)));
}

// As a histogram's bars: without the upper end, but for 1.
function hasIou(text) {
  const [from, to] = rangeOf(text) ?? [NaN, NaN];
  return (place) => columns.iou[place] !== null && columns.iou[place] >= from && (columns.iou[place] < to || (to >= 1 && columns.iou[place] <= to));
}

function hasAttribute(name, text) {
  const column = attributes[name] ?? { values: [], of: [] };
  const range = column.values.includes(text) ? undefined : rangeOf(text);
  if (!range) return ofColumn(column)(text);
  const fits = column.values.map((value) => value.trim() !== "" && Number(value) >= range[0] && Number(value) <= range[1]);
  return (place) => fits[column.of[place]] === true;
}

// What is searched: name, group, split and attributes, made when somebody searches.
const searched = [];
function searchText(place) {
  searched[place] ??= [columns.stem[place], text(columns.group, place), text(columns.split, place), ...Object.entries(attributes)
    .map(([name, column]) => [name, text(column, place)]).filter(([, value]) => value !== undefined).flat()].join(" ").toLowerCase();
  return searched[place];
}
function hasWords(asked) {
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
  return (place) => words.every((word) => searchText(place).includes(word));
}

const placesIn = (text) => text.split(".").filter(Boolean).map(Number);
function isListed(text) {
  const listed = new Set(placesIn(text));
  return (place) => listed.has(place);
}

const named = (value) => (value === "" ? "(none)" : value);
// By key the test and the words of a value.
const filters = {
  words: [hasWords, (value) => `“${value}”`],
  group: [ofColumn(columns.group), (value) => `Group ${named(value)}`],
  split: [ofColumn(columns.split), (value) => `Split ${named(value)}`],
  class: [hasClass("true", "predicted"), (value) => `Has ${value}`],
  true: [hasClass("true"), (value) => `True ${value}`],
  predicted: [hasClass("predicted"), (value) => `Predicted ${value}`],
  kind: [(value) => kinds.get(value)?.[1] ?? (() => false), (value) => kinds.get(value)?.[0] ?? value],
  iou: [hasIou, (value) => `IoU ${rangeWords(value)}`],
  places: [isListed, () => state.said],
};
function rangeWords(text) {
  const range = rangeOf(text);
  if (!range) return text;
  const [from, to] = range.map((end) => Number(end.toFixed(4)));
  if (from === -Infinity) return `up to ${to}`;
  return to === Infinity ? `from ${from}` : `${from} to ${to}`;
}

const isFilter = (key) => Object.hasOwn(filters, key) || (key.startsWith(OF_ATTRIBUTE) && Object.hasOwn(attributes, key.slice(OF_ATTRIBUTE.length)));
function testOf(key, value) {
  return key.startsWith(OF_ATTRIBUTE) ? hasAttribute(key.slice(OF_ATTRIBUTE.length), value) : filters[key][0](value);
}
function wordsOf(key, value) {
  if (!key.startsWith(OF_ATTRIBUTE)) return filters[key][1](value);
  const name = key.slice(OF_ATTRIBUTE.length);
  return `${name} ${attributes[name].values.includes(value) ? named(value) : rangeWords(value)}`;
}
