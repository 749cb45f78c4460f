// What is looked at below: which two models, by which score, of which class. Whoever shows it hears "choice".

const choice = { ours: 0, theirs: 1, metric: data.metrics[0].key, part: 0 };
const choosers = Object.fromEntries(Object.keys(choice).map((name) => [name, document.getElementById(name)]));

const chosenScore = (report, place) => scoreOf(choice.metric, report, choice.part, place);
function gainOf(place) {
  const [ours, theirs] = [chosenScore(choice.ours, place), chosenScore(choice.theirs, place)];
  return ours === null || theirs === null ? null : ours - theirs;
}
const nameOf = (report) => data.reports[report].name;
const metricLabel = () => data.metrics.find(({ key }) => key === choice.metric).label;
const choiceWords = () => (choice.part ? `${metricLabel()} of ${data.names[choice.part]}` : metricLabel());

function optionsFor(select, options) {
  select.replaceChildren(...options.map(([value, words]) => optionOf(value, words)));
}

const reportOptions = data.reports.map(({ name }, report) => [report, name]);
optionsFor(choosers.ours, reportOptions);
optionsFor(choosers.theirs, reportOptions);
optionsFor(choosers.metric, data.metrics.map(({ key, label }) => [key, label]));
optionsFor(choosers.part, [[0, data.names.length > 2 ? "Mean of the foreground" : data.names[1]], ...(data.byClass ? data.names.slice(1).map((name, number) => [number + 1, name]) : [])]);
for (const name of ["ours", "theirs"]) choosers[name].closest("label").hidden = data.reports.length === 2;
choosers.part.closest("label").hidden = !data.byClass;

// A model is not set against itself: the two change places instead.
function choose(name, value) {
  const before = { ...choice };
  choice[name] = value;
  if (choice.ours === choice.theirs) choice[name === "ours" ? "theirs" : "ours"] = before[name];
  for (const [each, select] of Object.entries(choosers)) select.value = choice[each];
  dispatchEvent(new Event("choice"));
}

for (const [name, select] of Object.entries(choosers)) {
  select.value = choice[name];
  select.addEventListener("change", () => choose(name, name === "metric" ? select.value : Number(select.value)));
}

// ---- the balance, in words
function countGains(gains) {
  const known = gains.filter((gain) => gain !== null);
  const better = known.filter((gain) => gain > 0).length;
  const worse = known.filter((gain) => gain < 0).length;
  return { better, worse, same: known.length - better - worse };
}

function tellBalance() {
  const { better, worse, same } = countGains(everyPlace.map(gainOf));
  const words = `${choiceWords()}: ${nameOf(choice.ours)} is better on ${formatCount(better)} images, ${nameOf(choice.theirs)} on ${formatCount(worse)}`;
  document.getElementById("balance").textContent = `${words}, ${formatCount(same)} the same.`;
}
if (isOfSome) {
  for (const id of ["balance", "differing"]) document.getElementById(id).hidden = true; // of the worst alone it would mislead
} else {
  addEventListener("choice", tellBalance);
}
