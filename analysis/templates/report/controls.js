// What a person asks by: the search, the sort, a control for each filter, and a chip for each that is asked.

const MANY = 20;
const MOST_SUGGESTED = 500;
const search = document.getElementById("search");
const sortList = document.getElementById("sort");
const direction = document.getElementById("direction");
const gallery = document.getElementById("images");
const panel = document.getElementById("filters");
const panelButton = document.getElementById("filter");
const chips = document.getElementById("chips");
const refreshers = [];

function labelled(label, ...controls) {
  return element("label", "", element("span", "", label), ...controls);
}
function countsOf(column) {
  const counts = new Array(column.values.length).fill(0);
  for (const code of column.of) if (code !== null) counts[code] += 1;
  return counts;
}
function ask(key, value) {
  if (value === undefined) state.asked.delete(key);
  else state.asked.set(key, value);
  arrange();
}

// A list of the values, each with its images.
function valueList(key, values, counts) {
  const made = element("select", "", optionOf("", "Any"));
  values.map((value, place) => [value, place]).sort(([a], [b]) => byNature(a, b))
    .forEach(([value, place]) => made.append(optionOf(place, `${named(value)} (${formatCount(counts[place])})`)));
  made.addEventListener("change", () => ask(key, values[made.value]));
  refreshers.push(() => { made.value = state.asked.has(key) ? values.indexOf(state.asked.get(key)) : ""; });
  return made;
}

// Of many values one is typed, with the others at hand; of numbers also a range.
function valueField(key, values) {
  const made = element("input", "");
  const known = new Set(values);
  const numbers = key.startsWith(OF_ATTRIBUTE) && values.every(isNumber);
  Object.assign(made, { type: "text", autocomplete: "off", placeholder: numbers ? "Any, or from..to" : `Any of ${formatCount(values.length)}` });
  const suggestions = element("datalist", "");
  suggestions.id = `values-${refreshers.length}`;
  made.setAttribute("list", suggestions.id);
  let inOrder;
  const suggest = () => {
    inOrder ??= [...values].sort(byNature);
    const typed = made.value.toLowerCase();
    suggestions.replaceChildren(...inOrder.filter((value) => value.toLowerCase().includes(typed)).slice(0, MOST_SUGGESTED).map((value) => optionOf(value, "")));
  };
  made.addEventListener("focus", suggest);
  const fits = (value) => value === "" || known.has(value) || (numbers && rangeOf(value) !== undefined);
  made.addEventListener("input", () => {
    made.setCustomValidity("");
    suggest();
    if (known.has(made.value)) ask(key, made.value);
  });
  made.addEventListener("change", () => {
    made.setCustomValidity(fits(made.value) ? "" : `None is called ${made.value}`);
    if (made.reportValidity()) ask(key, made.value || undefined);
  });
  refreshers.push(() => { if (made !== document.activeElement) made.value = state.asked.get(key) ?? ""; });
  return element("span", "field", made, suggestions);
}
function columnControl(key, label, column) {
  if (column.values.length < 2) return [];
  return [labelled(label, column.values.length > MANY ? valueField(key, column.values) : valueList(key, column.values, countsOf(column)))];
}

const SIDES = { class: "Either", true: "True", predicted: "Predicted" };
const askedSide = () => Object.keys(SIDES).find((key) => state.asked.has(key));
function classControl() {
  const side = element("select", "", ...Object.entries(SIDES).map(([key, words]) => optionOf(key, words)));
  Object.assign(side, { ariaLabel: "True or predicted", title: "The class is true, predicted, or either" });
  const list = element("select", "", optionOf("", "Any"), ...foreground.map((name) => optionOf(name, name)));
  const change = () => {
    for (const key of Object.keys(SIDES)) state.asked.delete(key);
    ask(side.value, list.value || undefined);
  };
  list.addEventListener("change", change);
  side.addEventListener("change", change);
  refreshers.push(() => {
    list.value = state.asked.get(askedSide()) ?? "";
    if (askedSide()) side.value = askedSide();
    side.disabled = list.value === "";
  });
  return element("div", "pair", labelled("Has class", list), side);
}

const EITHER = new Set(["halo", "bulge", "object"]);
function kindControl() {
  const made = element("select", "", optionOf("", "Any"));
  for (const [key, [words, test]] of kinds) {
    if (EITHER.has(key)) continue;
    const count = all.filter(test).length;
    if (count || key === "clean") made.append(optionOf(key, `${words} (${formatCount(count)})`));
  }
  made.addEventListener("change", () => ask("kind", made.value || undefined));
  refreshers.push(() => { made.value = state.asked.get("kind") ?? ""; });
  return labelled("Errors", made);
}

function iouControl() {
  const ends = ["from", "to"].map((end) => Object.assign(element("input", ""), { type: "number", min: 0, max: 1, step: "any", placeholder: end, ariaLabel: `IoU ${end}` }));
  const change = () => ask("iou", ends.some((end) => end.value) ? ends.map((end) => end.value).join("..") : undefined);
  for (const end of ends) end.addEventListener("change", change);
  refreshers.push(() => {
    const told = (state.asked.get("iou") ?? "..").split("..");
    ends.forEach((end, side) => { if (end !== document.activeElement) end.value = told[side] ?? ""; });
  });
  const made = element("div", "pair", element("span", "", "IoU"), ...ends);
  made.role = "group";
  made.ariaLabel = "IoU";
  return made;
}

function makePanel() {
  panel.append(
    classControl(), kindControl(), iouControl(), ...columnControl("group", "Group", columns.group), ...columnControl("split", "Split", columns.split),
    ...Object.entries(attributes).flatMap(([name, column]) => columnControl(OF_ATTRIBUTE + name, name, column)),
  );
}
panelButton.addEventListener("click", () => {
  if (!panel.children.length) makePanel();
  panel.hidden = !panel.hidden;
  panelButton.ariaExpanded = String(!panel.hidden);
  refreshers.forEach((refresh) => refresh());
  if (!panel.hidden && gallery.getBoundingClientRect().top < 0) gallery.scrollIntoView();  // it opens below a bar that stays
});

// ---- sort
function fillSortList() {
  const byClass = new Map();
  for (const column of sorts.values()) {
    const option = optionOf(column.key, column.label);
    if (!column.class || !several) sortList.append(option);
    else byClass.set(column.class, [...(byClass.get(column.class) ?? []), option]);
  }
  for (const [name, options] of byClass) sortList.append(Object.assign(element("optgroup", "", ...options), { label: name }));
}
function showSort() {
  const inList = sortList.querySelector(`[value=${LISTED}]`);
  if (!state.asked.has("places")) inList?.remove();
  else if (!inList) sortList.prepend(optionOf(LISTED, "As listed"));
  sortList.value = state.sort;
  direction.textContent = state.up ? "↑" : "↓";
  direction.title = `Sorted ${directionWords(state.sort, state.up)}; a click turns it round`;
  direction.ariaLabel = direction.title;
}

// ---- chips
function chipOf(key, value) {
  const words = wordsOf(key, value);
  const made = element("button", "", words, element("span", "", "×"));
  made.lastChild.ariaHidden = "true";
  made.dataset.without = key;
  made.title = "Take this filter away";
  return element("li", "", made);
}
function showChips() {
  chips.replaceChildren(...[...state.asked].map(([key, value]) => chipOf(key, value)));
  document.getElementById("clear").hidden = state.asked.size === 0;
  panelButton.textContent = state.asked.size ? `Filter (${state.asked.size})` : "Filter";
  refreshers.forEach((refresh) => refresh());
}

// What to take away where no image matches: a filter without which some do, or all.
function showNone() {
  const none = document.getElementById("none");
  none.hidden = order.length > 0;
  if (!none.hidden) {
    const lone = [...state.asked].map(([key, value]) => [key, value, matching(key).length]).filter(([, , count]) => count);
    const offered = lone.map(([key, value, count]) => {
      const made = element("button", "", `Without “${wordsOf(key, value).replace(/^“|”$/g, "")}”: ${formatCount(count)}`);
      made.dataset.without = key;
      return made;
    });
    const everything = element("button", "", `Without any filter: ${formatCount(all.length)}`);
    everything.dataset.without = "";
    none.replaceChildren(element("span", "", "No image matches all of this."), ...offered, ...(lone.length && state.asked.size === 1 ? [] : [everything]));
  }
}
gallery.addEventListener("click", ({ target }) => {
  const key = target.closest("[data-without]")?.dataset.without;
  if (key === undefined) return;
  if (key) state.asked.delete(key);
  else state.asked.clear();
  arrange();
  (chips.querySelector("button") ?? search).focus({ preventScroll: true });
});
