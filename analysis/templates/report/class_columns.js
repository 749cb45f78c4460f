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

function loadColumns(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const end = (act) => (value) => {
      columnsWaiting.delete(script);
      script.remove();
      act(value);
    };
    columnsWaiting.set(script, end(resolve));
    script.onerror = end(() => reject(new Error(`no ${address} beside this page`)));
    script.src = address;
    document.head.append(script);
  });
}
