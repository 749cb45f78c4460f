// Images that a person chooses, by boxes on cards and rows; the list of them for other commands. Kept while this page is
// open, whatever is shown.

const chosen = new Set();
const LIST = "images.txt";
const tray = document.getElementById("tray");
let rangeStart = null;

function chooseBox(place) {
  const box = element("input", "");
  box.type = "checkbox";
  box.checked = chosen.has(place);
  box.dataset.choose = place;
  box.ariaLabel = `Choose ${columns.stem[place]}`;
  const made = element("label", "choose", box);
  made.title = "Choose; with Shift all from the one before";
  return made;
}

// All from one place to another as they are ordered now.
function between(one, other) {
  const ends = [order.indexOf(one), order.indexOf(other)].sort((a, b) => a - b);
  return ends[0] < 0 ? [other] : order.slice(ends[0], ends[1] + 1);
}

function choose(places, on) {
  for (const place of places) {
    if (on) chosen.add(place);
    else chosen.delete(place);
  }
  for (const box of document.querySelectorAll("[data-choose]")) box.checked = chosen.has(Number(box.dataset.choose));
  showTray();
}

function showTray() {
  const shown = order.filter((place) => chosen.has(place)).length;
  const others = chosen.size - shown;
  tray.hidden = chosen.size === 0;
  document.getElementById("chosen").textContent = `${formatCount(chosen.size)} chosen${others ? `, ${formatCount(others)} not shown` : ""}`;
  const chooseAll = document.getElementById("choose-all");
  chooseAll.disabled = order.length === 0 || shown === order.length;
  chooseAll.textContent = state.asked.size ? `Choose all ${formatCount(order.length)} that match` : `Choose all ${formatCount(order.length)}`;
}

const pathOf = (place) => found.source[place] || columns.stem[place] + find.suffix;
const listText = () => sortedBy(chosen, state.sort, state.up).map((place) => `${pathOf(place)}\n`).join("");

// Where the browser gives no clipboard, such as to pages of plain http, as pages did before there was one.
async function copyText(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    const field = element("textarea", "unseen", text);
    tray.append(field);
    field.select();
    button.textContent = document.execCommand("copy") ? "Copied" : "Not copied: use Save list";
    field.remove();
    button.focus();
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

// What may be done next with the list, as commands.
const ofList = `--list ${LIST}`;
const nextCommands = [
  ["Correct in labelme", `labelme ${find.predictions} --images IMAGES ${ofList} --out to-correct`],
  ["Correct in CVAT", `cvat ${find.predictions} ${ofList} --out annotations.xml`],
  ["Correct in Label Studio", `labelstudio ${find.predictions} ${ofList} --out tasks.json`],
  ["As a COCO file", `coco ${find.predictions} ${ofList} --out instances.json`],
  ["Draw on the images", `overlay ${find.predictions} IMAGES ${ofList} --out drawn`],
  ...(varies(found.suspicion, null) ? [["Of these the 20 to label first", `select ${find.predictions} ${ofList} --count 20 --out next`]] : []),
];
for (const [label, words] of nextCommands) {
  const command = `sageseg analysis ${words}`;
  const copy = element("button", "", "Copy");
  copy.ariaLabel = `Copy the command: ${label}`;
  copy.addEventListener("click", () => copyText(copy, command));
  document.getElementById("commands").append(element("div", "", element("dt", "", label), element("dd", "", element("code", "", command), copy)));
}

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-choose]");
  if (!box) return;
  const place = Number(box.dataset.choose);
  choose(event.shiftKey && rangeStart !== null ? between(rangeStart, place) : [place], box.checked);
  rangeStart = place;
});
const trayActions = {
  save: () => saveText(LIST, listText(), "text/plain"),
  copy: (button) => copyText(button, listText()),
  clear: () => choose([...chosen], false),
  show: () => showImages({ places: [...chosen], said: `The ${formatCount(chosen.size)} chosen` }),
};
tray.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-do]");
  if (button) trayActions[button.dataset.do](button);
});
document.getElementById("choose-all").addEventListener("click", () => choose(order, true));
