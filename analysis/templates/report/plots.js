// Plots: an SVG as wide as its place, drawn anew when that changes, and a cursor that pointer, touch and keys move.

const writing = (x, y, words, anchor = "middle") => drawing("text", { x, y, "text-anchor": anchor }, words);
// Words below a tick, moved inwards where they would reach over an end of the axis.
function writingInside(box, at, words) {
  const half = words.length * 3.2;
  const [left, right] = [at - half < box.left - 10, at + half > box.right + 8];
  return writing(right ? box.right + 8 : left ? box.left - 10 : at, box.bottom + 16, words, right ? "end" : left ? "start" : "middle");
}
const rounded = (number) => Math.round(100 * number) / 100;

// Lines, ticks and words of both axes; `box` is where values lie: left, top, right, bottom.
function drawAxes(svg, box, { x, y, formatX = formatTick, formatY = formatTick, wordsX = "", wordsY = "", ticksX, ticksY }) {
  const axes = drawing("g", { class: "axes" });
  for (const value of ticksY ?? y.ticks((box.bottom - box.top) / 36)) {
    const at = rounded(y(value));
    axes.append(drawing("line", { class: "grid", x1: box.left, x2: box.right, y1: at, y2: at }), writing(box.left - 6, at + 3.5, formatY(value), "end"));
  }
  for (const value of ticksX ?? x.ticks((box.right - box.left) / 62)) {
    const at = rounded(x(value));
    axes.append(drawing("line", { class: "tick", x1: at, x2: at, y1: box.bottom, y2: box.bottom + 4 }), writingInside(box, at, formatX(value)));
  }
  axes.append(drawing("path", { class: "frame", d: `M${box.left},${box.top}V${box.bottom}H${box.right}` }));
  if (wordsX) axes.append(writing(box.right, box.bottom + 31, wordsX, "end"));
  if (wordsY) axes.append(writing(0, 9, wordsY, "start"));
  svg.append(axes);
}

const boxOf = (width, height, { left = 44, right = 10, top = 18, bottom = 36 } = {}) => ({ left, top, right: width - right, bottom: height - bottom });

// What is drawn into `place`, of so many pixels' height, or of a height that follows from the width.
//   draw(svg, width, height) returns how to find and mark: { nearest(x, y), anchor(index), mark(index) }
//   count: how many things the cursor can stand on; tell(index): [words, value, class] lines, the first the heading
//   act(index): what a click or Enter does; step(index, key): where an arrow leads, unless to the neighbour
function makePlot(place, { label, height, count, tell, draw, act, step, start = 0 }) {
  const svgPlace = element("div", "drawing");
  const tip = element("div", "tip");
  tip.hidden = true;
  place.replaceChildren(svgPlace, tip);
  place.classList.add("plot");
  place.classList.toggle("leads", Boolean(act));
  const state = { index: null, geometry: null, svg: null, marks: null, width: 0 };
  if (count) Object.assign(place, { tabIndex: 0, role: "slider", ariaLabel: label, ariaValueMin: "0", ariaValueMax: String(count - 1) });
  else Object.assign(place, { role: "img", ariaLabel: label });

  function redraw() {
    const width = Math.max(160, Math.round(place.clientWidth));
    const tall = typeof height === "function" ? height(width) : height;
    state.width = width;
    state.svg = drawing("svg", { viewBox: `0 0 ${width} ${tall}`, "aria-hidden": "true", focusable: "false" });
    state.geometry = draw(state.svg, width, tall, svgPlace);
    state.marks = drawing("g", { class: "marks" });
    state.svg.append(state.marks);
    svgPlace.replaceChildren(...svgPlace.querySelectorAll("canvas"), state.svg);
    if (state.index !== null) move(state.index, !tip.hidden);
  }

  function say(index) {
    const lines = tell(index);
    place.ariaValueNow = String(index);
    place.ariaValueText = lines.map(([words, value]) => (value === undefined ? words : `${words} ${value}`)).join(", ");
    return lines;
  }

  function move(index, shown = true) {
    state.index = index;
    const lines = say(index);
    state.marks.replaceChildren(...(shown ? state.geometry.mark(index) : []));
    tip.hidden = !shown;
    if (!shown) return;
    tip.replaceChildren(...lines.map(([words, value, colour]) => {
      const line = element("div", value === undefined ? "tip-head" : "", ...(colour ? [element("i", colour)] : []), element("span", "", words));
      if (value !== undefined) line.append(element("b", "", value));
      return line;
    }));
    const [x, y] = state.geometry.anchor(index);
    const scale = place.clientWidth / state.width;
    const left = x * scale > place.clientWidth / 2 ? x * scale - tip.offsetWidth - 12 : x * scale + 12;
    tip.style.left = `${Math.max(0, Math.min(left, place.clientWidth - tip.offsetWidth))}px`;
    tip.style.top = `${Math.max(-8, y * scale - tip.offsetHeight / 2)}px`;
  }

  function leave() {
    tip.hidden = true;
    state.marks.replaceChildren();
  }

  function follow(event) {
    const area = svgPlace.getBoundingClientRect();
    const scale = state.width / area.width;
    const index = state.geometry.nearest((event.clientX - area.left) * scale, (event.clientY - area.top) * scale);
    if (index === null) leave();
    else move(index);
    return index;
  }

  redraw();
  if (count) say(start);
  if (count) {
    place.addEventListener("pointermove", follow);
    place.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") leave(); });
    place.addEventListener("blur", leave);
    place.addEventListener("focus", () => { if (place.matches(":focus-visible")) move(state.index ?? start); });
    // A finger has no way of looking first: what is touched tells its values, and leads on when it is touched again.
    let known = null;
    place.addEventListener("pointerdown", () => { known = tip.hidden ? null : state.index; });
    place.addEventListener("click", (event) => {
      const index = follow(event);
      if (index !== null && (event.pointerType !== "touch" || index === known)) act?.(index);
    });
    place.addEventListener("keydown", (event) => {
      const now = state.index ?? start;
      const ends = { Home: 0, End: count - 1 };
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
      if (event.key === "Escape") leave();
      else if (event.key === "Enter" || event.key === " ") act?.(now);
      else if (event.key in ends) move(ends[event.key]);
      else if (event.key in by) move(step?.(now, event.key) ?? Math.min(count - 1, Math.max(0, now + by[event.key])));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
  new ResizeObserver(() => { if (Math.abs(place.clientWidth - state.width) > 1 && place.clientWidth) redraw(); }).observe(place);
  return { redraw };
}

// Places that a template made for plots of one kind.
// One for another plot: the old plot's listeners go with the old place.
function freshPlace(place) {
  const fresh = element("div");
  fresh.dataset.plot = place.dataset.plot;
  place.replaceWith(fresh);
  return fresh;
}
const plotPlaces = (kind) => [...document.querySelectorAll(`[data-plot="${kind}"]`)];

// Of a point's pixels the place of the nearest, no farther than `most`; null where none is near.
function nearestPoint(points, x, y, most = 24) {
  let [best, found] = [most * most, null];
  points.forEach((point, index) => {
    if (!point) return;
    const distance = (point[0] - x) ** 2 + (point[1] - y) ** 2;
    if (distance <= best) [best, found] = [distance, index];
  });
  return found;
}
const nearestAcross = (positions, x) => positions.reduce((best, position, index) => (position !== null && (best === null || Math.abs(position - x) < Math.abs(positions[best] - x)) ? index : best), null);
