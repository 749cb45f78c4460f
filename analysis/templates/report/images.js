// The images that the report judged, worst first: columns of what is known of them, by their place.

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
