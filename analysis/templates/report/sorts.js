// What images are sorted by, which is what the table of images shows: of each column a key, as the address has it, its
// heading, its numbers, and its words.

const isNumber = (value) => value.trim() !== "" && Number.isFinite(Number(value));

// The places of texts in their order, so that sorting compares numbers alone.
function ranks(values) {
  const order = values.map((_, place) => place).sort((a, b) => byNature(values[a], values[b]));
  const ranked = new Float64Array(values.length);
  order.forEach((place, rank) => { ranked[place] = rank; });
  return ranked;
}
function codedNumbers(column) {
  const numbers = column.values.every(isNumber) ? Float64Array.from(column.values, Number) : ranks(column.values);
  return (place) => (column.of[place] === null ? NaN : numbers[column.of[place]]);
}
function later(make) {
  let made;
  return (place) => (made ??= make())(place);
}

const scoreColumn = (value) => ({ of: (place) => value(place) ?? NaN, words: (place) => formatScore(value(place)), up: true });
const fromList = (values) => (place) => values[place];
const countColumn = (values) => ({ of: (place) => values[place], words: (place) => formatCount(values[place]), up: false });
const shareColumn = (values) => ({ of: (place) => values[place] ?? NaN, words: (place) => formatShare(values[place]), up: true });
const textColumn = (column) => ({ of: later(() => codedNumbers(column)), words: (place) => (text(column, place) ?? "–"), up: true, text: !column.values.every(isNumber) });

// Areas in the unit that the report knows, or in pixels.
const [areaUnit, areaOf] = find.unit ? [`${find.unit}²`, find.unit_per_pixel ** 2] : ["px", 1];
const formatArea = (pixels) => (areaOf * pixels).toLocaleString("en", find.unit && pixels ? { minimumSignificantDigits: 4, maximumSignificantDigits: 4 } : {});
const areaColumn = (pixels) => ({ of: pixels, words: (place) => formatArea(pixels(place)), up: false });

const classValue = (id, column) => (place) => ofClass[id]?.[column][place] ?? null;
function columnsOfClass(name, id) {
  const scores = several ? ["iou", "dice"].map((key) => [`${key}.${name}`, { iou: "IoU", dice: "Dice" }[key], scoreColumn(classValue(id, key))]) : [];
  return [...scores, ...areaColumns(`.${name}`, classValue(id, "true"), classValue(id, "predicted"))].map(([key, label, column]) => [key, several ? `${name}: ${label}` : label, { ...column, class: name, needs: [id] }]);
}
function areaColumns(ending, truth, predicted) {
  const error = (place) => predicted(place) - truth(place);
  return [
    [`true${ending}`, `True area, ${areaUnit}`, areaColumn(truth)],
    [`predicted${ending}`, `Predicted area, ${areaUnit}`, areaColumn(predicted)],
    [`error${ending}`, `Error of the area, ${areaUnit}`, { ...areaColumn(error), meaning: "Predicted less true area" }],
  ];
}

const several = foreground.length > 1;
const sumOver = (side) => (place) => ofClass.reduce((sum, column) => sum + column[side][place], 0);
const FEW_CLASSES = 4;
const sums = several && (data.classes || foreground.length <= FEW_CLASSES);
const varies = (values, usual) => values.some((value) => value !== usual);
const pixelsOf = (place) => columns.width[place] * columns.height[place];
const everyColumn = [
  ["name", "Name", { of: later(() => { const ranked = ranks(columns.stem); return (place) => ranked[place]; }), words: (place) => columns.stem[place], up: true, text: true }],
  ...(columns.group.values.length ? [["group", "Group", textColumn(columns.group)]] : []),
  ...(columns.split.values.length > 1 ? [["split", "Split", textColumn(columns.split)]] : []),
  ["iou", "IoU", scoreColumn(fromList(columns.iou))],
  ["dice", "Dice", scoreColumn(fromList(columns.dice))],
  ["wrong", "False positives, px", countColumn(columns.wrong)],
  ["missed", "Missed, px", countColumn(columns.missed)],
  ...(sums ? areaColumns("", sumOver("true"), sumOver("predicted")).map(([key, label, column]) => [key, label, { ...column, meaning: `${column.meaning ?? "Of the foreground"}, all classes together`, needs: foreground.map((_, id) => id) }]) : []),
  ...foreground.flatMap(columnsOfClass),
  ...(varies(columns.judged, 1) ? [["judged", "Judged", shareColumn(columns.judged)]] : []),
  ...(varies(found.suspicion, null) ? [["suspicion", "Suspicion", { ...scoreColumn(fromList(found.suspicion)), up: false, meaning: "How much the model doubts the labels, 0 to 1" }]] : []),
  ["size", "Size, px", { of: pixelsOf, words: (place) => `${columns.width[place]} × ${columns.height[place]}`, up: false }],
  ...Object.entries(attributes).map(([name, column]) => [`${OF_ATTRIBUTE}${name}`, name, textColumn(column)]),
];
const sorts = new Map(everyColumn.map(([key, label, column]) => [key, { key, label, ...column }]));
const LISTED = "listed";
const standard = { sort: "iou", up: true };

// Places in order; those without a value last, and of equal ones the worse image first.
function sortedBy(places, key, up) {
  const values = key === LISTED ? listedValues() : sortedValues(sorts.get(key));
  const sign = up ? 1 : -1;
  return [...places].sort((a, b) => {
    const [one, other] = [values[a], values[b]];
    if (one === other) return a - b;
    if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other) || a - b;
    return sign * (one - other);
  });
}
function sortedValues(column) {
  const values = new Float64Array(columns.stem.length);
  for (const place of all) values[place] = column.of(place);
  return values;
}
function listedValues() {
  const values = new Float64Array(columns.stem.length).fill(NaN);
  placesIn(state.asked.get("places") ?? "").forEach((place, number) => { values[place] = number; });
  return values;
}

// How the two directions of a column are called.
function directionWords(key, up) {
  if (key === LISTED) return up ? "first to last" : "last to first";
  const { text: isText, of } = sorts.get(key);
  if (isText) return up ? "A to Z" : "Z to A";
  return up ? "lowest first" : "highest first";
}
