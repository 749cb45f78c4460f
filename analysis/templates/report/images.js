// The images that the report judged, worst first: columns of what is known of them, by their place.

const data = JSON.parse(document.getElementById("data").textContent);
const { columns } = data;
const all = columns.stem.map((_, place) => place);
const text = (column, place) => column.values[column.of[place]];
const foreground = data.names.slice(1);

// What is asked for of one image.
const imageAt = (place) => ({
  stem: columns.stem[place],
  group: text(columns.group, place),
  split: text(columns.split, place),
  width: columns.width[place],
  height: columns.height[place],
  iou: columns.iou[place],
  dice: columns.dice[place],
  wrong: columns.wrong[place],
  missed: columns.missed[place],
  judged: columns.judged[place],
  attributes: Object.entries(data.attributes).map(([name, column]) => [name, text(column, place)]).filter(([, value]) => value !== undefined),
});

function formatScore(value) {
  if (value === null) return "–";
  if (value > 0 && value < 0.00005) return "<0.0001";
  if (value >= 0.99995 && value < 1) return ">0.9999";
  return value.toFixed(4);
}
// As format_share of formats/texts/wording.py.
function formatShare(value) {
  if (value === null) return "–";
  const percent = 100 * value;
  if (percent > 0 && percent < 0.0005) return "<0.001 %";
  if (percent >= 99.95 && percent < 100) return ">99.9 %";
  return `${percent.toFixed(percent > 0 && percent < 1 ? 3 : 1)} %`;
}
