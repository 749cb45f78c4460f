// True against predicted area: a point for each image, and the line on which both are equal.

if (plotPlaces("areas").length) {
  const FEW = 2000; // more points are drawn on a canvas
  const FARTHEST = 10;
  const { unit, unit_per_pixel: side } = data.plots.areas;
  const size = side === null ? 1 : side * side;
  const unitText = unit === null ? "px" : `${unit}²`;
  const areaText = (value) => `${formatCount(Number(value.toPrecision(4)))} ${unitText}`;

  // The images that have the class in truth or prediction, [place, true, predicted].
  function pointsOf({ true: truth, predicted }) {
    return all.filter((place) => truth[place] || predicted[place]).map((place) => [place, truth[place] * size, predicted[place] * size]);
  }

  // Logarithmic where the areas span more than two decades; then 0 has a place of its own before the axis.
  function scalesOf(points) {
    const values = points.flatMap(([, truth, predicted]) => [truth, predicted]);
    const positive = values.filter((value) => value > 0);
    const [low, high] = extent(positive);
    const decades = high > 100 * low;
    const domain = decades ? [low / 1.15, high * 1.15] : [0, high * 1.05];
    return { decades, zeros: decades && positive.length < values.length, domain };
  }

  function drawAreas(place, number, points) {
    const name = foreground[number];
    const { decades, zeros, domain } = scalesOf(points);
    const far = points.map(([, truth, predicted]) => Math.abs(predicted - truth));
    makePlot(place, {
      label: `Predicted over true area of ${name}, ${formatCount(points.length)} images`,
      height: (width) => Math.min(420, Math.max(240, Math.round(width * 0.72))),
      count: points.length,
      start: far.indexOf(Math.max(...far)),
      tell: (index) => {
        const [at, truth, predicted] = points[index];
        return [[columns.stem[at]], ["True", areaText(truth)], ["Predicted", areaText(predicted)], ["Difference", signed(predicted - truth)]];
      },
      act: (index) => openImage(points[index][0], { within: points.map(([at]) => at) }),
      draw(svg, width, tall, holder) {
        const box = boxOf(width, tall, { left: 58, bottom: 40 });
        const gutter = zeros ? 18 : 0;
        const make = decades ? logScale : linearScale;
        const x = make(domain, [box.left + gutter, box.right]);
        const y = make(domain, [box.bottom - gutter, box.top]);
        const formats = { formatX: formatTick, formatY: formatTick };
        drawAxes(svg, box, { x, y, ...formats, wordsX: `true, ${unitText}`, wordsY: `predicted, ${unitText}` });
        if (zeros) svg.append(writing(box.left + 4, box.bottom + 16, "0"), writing(box.left - 6, box.bottom, "0", "end"));
        svg.append(drawing("line", { class: "equal", x1: x(domain[0]), y1: y(domain[0]), x2: x(domain[1]), y2: y(domain[1]) }));
        const at = (scale, value, zero) => rounded(decades && value <= 0 ? zero : scale(value));
        const spots = points.map(([, truth, predicted]) => [at(x, truth, box.left + 4), at(y, predicted, box.bottom - 4)]);
        if (spots.length > FEW) paintSpots(holder, spots, width, tall);
        else {
          holder.querySelector("canvas")?.remove();
          for (const [cx, cy] of spots) svg.append(drawing("circle", { class: "spot", cx, cy, r: 3 }));
        }
        return {
          nearest: (px, py) => nearestPoint(spots, px, py, 18),
          anchor: (index) => spots[index],
          mark: (index) => [drawing("circle", { class: "spot-mark", cx: spots[index][0], cy: spots[index][1], r: 6 })],
        };
      },
    });
  }

  const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${areaText(Math.abs(value))}`;

  function paintSpots(holder, spots, width, tall) {
    const canvas = holder.querySelector("canvas") ?? holder.insertBefore(element("canvas"), holder.firstChild);
    const ratio = devicePixelRatio || 1;
    Object.assign(canvas, { width: width * ratio, height: tall * ratio });
    const context = canvas.getContext("2d");
    if (!context) return;
    context.scale(ratio, ratio);
    context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--accent");
    context.globalAlpha = 0.4;
    for (const [x, y] of spots) context.fillRect(x - 1.5, y - 1.5, 3, 3);
  }

  function listFarthest(list, points) {
    const farthest = [...points].sort((a, b) => Math.abs(b[2] - b[1]) - Math.abs(a[2] - a[1])).slice(0, FARTHEST);
    list.replaceChildren(...farthest.map(([place, truth, predicted]) => {
      const button = element("button", "", columns.stem[place]);
      button.addEventListener("click", () => openImage(place, { within: farthest.map(([at]) => at) }));
      return element("li", "", button, element("span", "", `${signed(predicted - truth)} of ${areaText(truth)}`));
    }));
  }

  const chosen = document.getElementById("areas-class");
  const chosenNumber = () => (chosen ? Number(chosen.value) : 0);
  function drawPoints(number, points) {
    for (const place of plotPlaces("areas")) {
      const fresh = freshPlace(place);
      if (points.length) drawAreas(fresh, number, points);
      else fresh.textContent = `No image has ${foreground[number]}, true or predicted.`;
    }
    listFarthest(document.getElementById("areas-farthest"), points);
  }

  function drawChosen() {
    const number = chosenNumber();
    classColumns(number + 1).then(
      (told) => { if (number === chosenNumber()) drawPoints(number, pointsOf(told)); },
      () => { for (const place of plotPlaces("areas")) freshPlace(place).textContent = "The areas of so many images and classes lie in columns/ beside this page; this copy has none."; },
    );
    for (const words of document.querySelectorAll("#areas-plot [data-class]")) words.hidden = Number(words.dataset.class) !== number;
  }
  chosen?.addEventListener("change", drawChosen);
  // a canvas does not follow the page's colours by itself
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawChosen);
  drawChosen();
}
