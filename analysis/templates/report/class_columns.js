// Columns of one class: inside the page, or in a file beside it where classes and images are many.

const ofClasses = new Map();

// The {iou, dice, true, predicted} of a class, each by place; rejects where no whole file of it is beside the page.
function classColumns(id) {
  if (!ofClasses.has(id)) ofClasses.set(id, data.classesBeside ? loadColumns(data.classesBeside[id - 1]) : Promise.resolve(insideColumns(id)));
  return ofClasses.get(id);
}

const insideColumns = (id) => Object.fromEntries(Object.entries(data.classes).map(([name, lists]) => [name, lists[id - 1]]));

const isOfAllImages = (told) => ["iou", "dice", "true", "predicted"].every((name) => told?.[name]?.length === columns.stem.length);

async function loadColumns(address) {
  const told = await loadBeside(address);
  if (!isOfAllImages(told)) throw damagedFile(address);
  return told;
}
