// Columns of one class: inside the page, or in a file beside it where classes and images are many.

const ofClasses = new Map();
const columnsWaiting = new Map();
globalThis.takeColumns = (told) => columnsWaiting.get(document.currentScript)?.(told);

// The {iou, dice, true, predicted} of a class, each by place; rejects where the file is not beside the page.
function classColumns(id) {
  if (!ofClasses.has(id)) ofClasses.set(id, data.classesBeside ? loadColumns(data.classesBeside[id - 1]) : Promise.resolve(insideColumns(id)));
  return ofClasses.get(id);
}

const insideColumns = (id) => Object.fromEntries(Object.entries(data.classes).map(([name, lists]) => [name, lists[id - 1]]));

const isOfAllImages = (told) => ["iou", "dice", "true", "predicted"].every((name) => told?.[name]?.length === columns.stem.length);

function loadColumns(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const end = (act) => (value) => {
      columnsWaiting.delete(script);
      script.remove();
      act(value);
    };
    const unusable = () => reject(new Error(`no ${address} beside this page, or a damaged one`));
    columnsWaiting.set(script, end((told) => (isOfAllImages(told) ? resolve(told) : unusable())));
    script.onload = () => { if (columnsWaiting.has(script)) end(unusable)(); }; // it ended without its call
    script.onerror = end(unusable);
    script.src = address;
    document.head.append(script);
  });
}
