// The foreground's IoU over the values of attributes: small plots of one scale.

{
  const attributes = data.plots.attributes ?? {};
  const every = Object.values(attributes).flatMap(({ points }) => points.flatMap((point) => [point.iou, ...(point.interval ?? [])]));
  const [low, high] = extent(every);
  const domain = [Math.max(0, low - 0.08 * (high - low) - 0.002), Math.min(1, high + 0.08 * (high - low) + 0.002)];
  const TALLEST = 26; // pixels of the bar of the value with the most images

  // Where values lie: numbers and times by what they are, texts side by side.
  function positions(scores, box) {
    const { kind, points } = scores;
    const middle = (point) => (point.from + point.to) / 2;
    if (kind === "text") {
      const band = (box.right - box.left) / points.length;
      return { at: points.map((_, index) => box.left + (index + 0.5) * band), x: null };
    }
    const x = linearScale([points[0].from, points.at(-1).to], [box.left + 12, box.right - 12]);
    return { at: points.map((point) => x(middle(point))), x };
  }

  // Texts under their points: all where they fit, else every so many.
  function nameTexts(svg, points, at, box) {
    const band = (box.right - box.left) / points.length;
    const longest = Math.max(...points.map((point) => point.value.length));
    const every = Math.max(1, Math.ceil((Math.min(longest, 12) * 6.2 + 6) / band));
    points.forEach((point, index) => {
      if (index % every) return;
      const words = point.value.length > 12 ? `${point.value.slice(0, 11)}…` : point.value;
      svg.append(writing(rounded(at[index]), box.bottom + 16, words));
    });
  }

  function drawAttribute(place, name) {
    const scores = attributes[name];
    const { points, kind } = scores;
    const most = Math.max(...points.map((point) => point.images));
    const span = points.at(-1).to - points[0].from;
    makePlot(place, {
      label: `IoU by ${name}`,
      height: 190,
      count: points.length,
      tell: (index) => {
        const { value, images, groups, iou, interval } = points[index];
        return [
          [`${name} ${value}`],
          ["IoU", formatScore(iou)],
          ...(interval ? [["95 % interval", interval.map(formatScore).join(" to ")]] : []),
          ["Images", `${formatCount(images)}, ${formatCount(groups)} group${groups === 1 ? "" : "s"}`],
        ];
      },
      act: (index) => {
        const { value, from, to } = points[index];
        const bins = found[`bin.${name}`];
        if (bins) showImages({ places: all.filter((place) => bins[place] === index), said: `${name} ${value}` });
        else showImages({ attribute: [name, scores.binned ? [from, to] : value] });
      },
      draw(svg, width, tall) {
        const box = boxOf(width, tall, { left: 46, bottom: 26, top: 10 });
        const floor = box.bottom - TALLEST - 4;
        const y = linearScale(domain, [floor, box.top]);
        const { at, x } = positions(scores, box);
        drawAxes(svg, box, {
          x: x ?? ((value) => value),
          y,
          ticksY: y.ticks(3),
          ticksX: x === null ? [] : kind === "time" ? [points[0].from, points.at(-1).to] : integerTicks(x, points),
          formatX: kind === "time" ? (value) => formatTime(value, span) : formatTick,
        });
        if (x === null) nameTexts(svg, points, at, box);
        const wide = rounded(Math.max(1.5, Math.min(14, (0.7 * (box.right - box.left)) / points.length)));
        points.forEach((point, index) => {
          const tallest = (TALLEST * point.images) / most;
          svg.append(drawing("rect", { class: "bar-faint", x: rounded(at[index] - wide / 2), width: wide, y: rounded(box.bottom - tallest), height: rounded(tallest) }));
        });
        if (kind !== "text") svg.append(drawing("path", { class: "curve line1 thin", d: points.map((point, index) => (point.iou === null ? "" : `${index && points[index - 1].iou !== null ? "L" : "M"}${rounded(at[index])},${rounded(y(point.iou))}`)).join("") }));
        points.forEach((point, index) => {
          if (point.interval) svg.append(drawing("path", { class: "whisker", d: `M${rounded(at[index])},${rounded(y(point.interval[0]))}V${rounded(y(point.interval[1]))}` }));
          if (point.iou !== null) svg.append(drawing("circle", { class: "point line1", cx: rounded(at[index]), cy: rounded(y(point.iou)), r: points.length > 30 ? 2.5 : 3.5 }));
        });
        return {
          nearest: (px) => (px < box.left - 10 ? null : nearestAcross(at, px)),
          anchor: (index) => [at[index], points[index].iou === null ? floor : y(points[index].iou)],
          mark: (index) => [drawing("line", { class: "cross", x1: at[index], x2: at[index], y1: box.top, y2: box.bottom })],
        };
      },
    });
  }

  // Whole numbers have ticks at whole numbers.
  function integerTicks(x, points) {
    const ticks = x.ticks((x.range[1] - x.range[0]) / 46);
    return points.every((point) => Number.isInteger(point.from)) ? ticks.filter(Number.isInteger) : ticks;
  }

  for (const place of plotPlaces("attribute")) drawAttribute(place, place.dataset.of);
}
