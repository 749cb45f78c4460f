(() => {
  "use strict";
  const list = document.getElementById("cards");
  const search = document.getElementById("search");
  const sort = document.getElementById("sort");
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  const cards = [...list.children];
  const whole = shown.textContent;
  const rank = (card) => Number(card.dataset.rank);
  const most = (key) => (a, b) => Number(b.dataset[key]) - Number(a.dataset[key]) || rank(a) - rank(b);
  const orders = {
    rank: (a, b) => rank(a) - rank(b),
    best: (a, b) => rank(b) - rank(a),
    fp: most("fp"),
    missed: most("missed"),
    name: (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true }),
  };
  sort.addEventListener("change", () => list.append(...cards.sort(orders[sort.value])));
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let matching = 0;
    for (const card of cards) {
      card.hidden = !words.every((word) => card.dataset.search.includes(word));
      matching += card.hidden ? 0 : 1;
    }
    shown.textContent = words.length ? `${matching} of ${cards.length}` : whole;
    none.hidden = matching > 0;
  });
})();
