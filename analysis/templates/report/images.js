// The images that the report judged, worst first: columns of what is known of them, by their place. Of many images the
// page itself holds some, and a file beside it holds all.

const tellsAll = (told) => [told?.columns, told?.attributes, told?.found].every((each) => each && Object.values(each).every((column) => (column.of ?? column).length === data.count));

// Columns of the images at data.places, as columns of all images with gaps between them.
function spread(column) {
  if (column.of) return { values: column.values, of: spread(column.of) };
  const wide = new Array(data.count);
  data.places.forEach((place, number) => { wide[place] = column[number]; });
  return wide;
}
const spreadAll = (columnsOf) => Object.fromEntries(Object.entries(columnsOf).map(([name, column]) => [name, spread(column)]));

const spreadAlone = () => ({ columns: spreadAll(data.columns), attributes: spreadAll(data.attributes), found: spreadAll(data.found) });

const { columns, attributes, found } = await allOrOwn(tellsAll, spreadAlone);
const all = Object.keys(columns.stem).map(Number);
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
  attributes: Object.entries(attributes).map(([name, column]) => [name, text(column, place)]).filter(([, value]) => value !== undefined),
});
