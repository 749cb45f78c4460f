// The address of a view: #images?group=a&sort=dice. A link to it, a reload and the browser's Back show the same.

const VIEW = "#images?";

const state = { asked: new Map(), said: "", sort: standard.sort, up: standard.up, table: false };

function addressOf() {
  const view = new URLSearchParams([...state.asked]);
  if (state.asked.has("places")) view.set("said", state.said);
  if (state.sort !== standard.sort || state.up !== standard.up) {
    view.set("sort", state.sort);
    view.set("order", state.up ? "up" : "down");
  }
  if (state.table) view.set("view", "table");
  return view.size ? VIEW + view : "#images";
}

// What an address asks for; what is in it and means nothing here, an old attribute, is left out.
function readAddress(hash) {
  const view = new URLSearchParams(hash.slice(VIEW.length));
  state.asked = new Map([...view].filter(([key, value]) => isFilter(key) && (value !== "" || !["words", "iou", "places"].includes(key))));
  state.said = view.get("said") ?? "Listed in the address";
  const key = view.get("sort");
  state.sort = sorts.has(key) || (key === LISTED && state.asked.has("places")) ? key : standard.sort;
  state.up = view.has("order") ? view.get("order") !== "down" : sorts.get(state.sort)?.up ?? true;
  state.table = view.get("view") === "table";
}

// Each entry of the browser's history that shows images keeps their view besides, for its address may be that of the page
// or of a section. A page inside another may be refused a history.
function writeHistory(how, address, view) {
  try {
    history[how](how === "pushState" ? { view } : { ...history.state, view }, "", address);
  } catch {
    // filters work without an address
  }
}
function keepView() {
  if (!location.hash.startsWith("#image=")) writeHistory("replaceState", undefined, addressOf());
}
const viewAddress = () => history.state?.view ?? (location.hash.startsWith(VIEW) ? location.hash : undefined);

// Browsers refuse addresses that change with every letter typed, so the last of some is written.
let viewTimer;
function writeAddress() {
  clearTimeout(viewTimer);
  viewTimer = setTimeout(() => {
    const address = addressOf();
    const ours = location.hash.startsWith(VIEW) || address.startsWith(VIEW);
    if (ours && !location.hash.startsWith("#image=") && location.hash !== address) writeHistory("replaceState", address, address);
  }, 200);
}
