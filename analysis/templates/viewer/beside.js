// Files of data beside the page, loaded as programs of one call, because a page on a disk may read nothing else.

const waiting = new Map();
globalThis.takeLayers = globalThis.takeColumns = (content) => waiting.get(document.currentScript)?.(content);

const damagedFile = (address) => Object.assign(new Error(`${address.split("/").pop()} beside this page is damaged: write the report again.`), { damaged: true });

// What the file at an address holds; rejects where it is not there, and where it ends without its call.
function loadBeside(address) {
  return new Promise((resolve, reject) => {
    const script = element("script");
    const end = (act) => (value) => {
      waiting.delete(script);
      script.remove();
      act(value);
    };
    waiting.set(script, end(resolve));
    script.onload = end(() => reject(damagedFile(address)));
    script.onerror = end(() => reject(new Error(`no ${address} beside this page`)));
    script.src = address;
    document.head.append(script);
  });
}

// Columns of images: what the file beside the page tells, where it is whole; else what the page itself holds, and then
// the page says so.
async function allOrOwn(isWhole, own) {
  if (!data.imagesBeside) return data;
  try {
    const told = await loadBeside(data.imagesBeside);
    if (isWhole(told)) return told;
  } catch {
    // said below
  }
  document.getElementById("alone").hidden = false;
  return own();
}
