// Curves over thresholds, recall and epochs.

{
  // Lines through shared places across; `best` are points that stand out: {index, line}.
  function drawLines(place, { label, height, across, lines, domainX, domainY, wordsX, wordsY, formatX, formatY, tell, best = [], within = false, ticksX }) {
    makePlot(place, {
      label,
      height,
      count: across.length,
      start: best[0]?.index ?? 0,
      tell,
      draw(svg, width, tall) {
        const box = boxOf(width, tall);
        const x = linearScale(domainX, [box.left, box.right]);
        const y = linearScale(domainY, [box.bottom, box.top]);
        drawAxes(svg, box, { x, y, wordsX, wordsY, formatX, formatY, ticksX });
        const points = lines.map((line) => line.values.map((value, index) => (value === null || across[index] === null ? null : [rounded(x(across[index])), rounded(y(value))])));
        points.forEach((line, number) => svg.append(drawing("path", { class: `curve ${lines[number].colour}`, d: pathOf(line) })));
        for (const { index, line } of best) {
          const point = points[line][index];
          if (point) svg.append(drawing("circle", { class: `best ${lines[line].colour}`, cx: point[0], cy: point[1], r: 4.5 }));
        }
        const at = (index) => points.map((line) => line[index]).filter(Boolean);
        const [cross, ...rest] = [across.map((value) => (value === null ? null : x(value))), points[0]];
        return {
          nearest: (px, py) => (within ? nearestPoint(rest[0], px, py, Infinity) : nearestAcross(cross, px)),
          anchor: (index) => (within ? at(index)[0] : null) ?? [cross[index] ?? box.left, (box.top + box.bottom) / 2],
          mark: (index) => [
            ...(cross[index] === null ? [] : [drawing("line", { class: "cross", x1: cross[index], x2: cross[index], y1: box.top, y2: box.bottom })]),
            ...points.flatMap((line, number) => (line[index] ? [drawing("circle", { class: `point ${lines[number].colour}`, cx: line[index][0], cy: line[index][1], r: 3.5 })] : [])),
          ],
        };
      },
    });
  }

  // Where a value is unknown a line is broken.
  const pathOf = (points) => points.map((point, index) => (point ? `${points[index - 1] ? "L" : "M"}${point[0]},${point[1]}` : "")).join("");

  const shown = [["precision", "Precision", "line1"], ["recall", "Recall", "line2"], ["iou", "IoU", "line3"], ["dice", "Dice", "line4"]];
  const known = (value) => (value === null ? "–" : formatScore(value));

  for (const place of plotPlaces("thresholds")) {
    const curve = data.plots.thresholds[place.dataset.of];
    const best = Object.entries(curve.best).filter(([, each]) => each?.threshold !== null).map(([key, each]) => ({ index: Math.round(each.threshold * (curve.threshold.length - 1)), line: shown.findIndex(([name]) => name === key) }));
    drawLines(place, {
      label: "Precision, recall, IoU and Dice over the threshold",
      height: 240,
      across: curve.threshold,
      lines: shown.map(([key, , colour]) => ({ values: curve[key], colour })),
      domainX: [0, 1],
      domainY: [0, 1],
      wordsX: "threshold",
      tell: (index) => [[`Threshold ${curve.threshold[index].toFixed(3)}`], ...shown.map(([key, words, colour]) => [words, known(curve[key][index]), colour])],
      best,
    });
  }

  for (const place of plotPlaces("precision-recall")) {
    const curve = data.plots.thresholds[place.dataset.of];
    const dice = curve.best.dice?.threshold ?? null;
    drawLines(place, {
      label: "Precision over recall",
      height: 240,
      across: curve.recall,
      lines: [{ values: curve.precision, colour: "line1" }],
      domainX: [0, 1],
      domainY: [0, 1],
      wordsX: "recall",
      wordsY: "precision",
      within: true,
      tell: (index) => [[`Threshold ${curve.threshold[index].toFixed(3)}`], ["Precision", known(curve.precision[index])], ["Recall", known(curve.recall[index])], ["Dice", known(curve.dice[index])]],
      best: dice === null ? [] : [{ index: Math.round(dice * (curve.threshold.length - 1)), line: 0 }],
    });
  }

  for (const place of plotPlaces("training")) {
    const series = data.plots.training[Number(place.dataset.of)];
    const epochs = series.values.map((_, index) => index + 1);
    drawLines(place, {
      label: `${series.label} over the epochs`,
      height: 170,
      across: epochs,
      lines: [{ values: series.values, colour: "line1" }],
      domainX: [1, epochs.length],
      domainY: extent(series.values, 0.06),
      wordsX: "epoch",
      ticksX: linearTicks(1, epochs.length, 5).filter(Number.isInteger),
      tell: (index) => [[`Epoch ${index + 1}${index === series.best ? ", the best" : ""}`], [series.label, series.values[index] === null ? "–" : Number(series.values[index].toPrecision(4)).toString()]],
      best: [{ index: series.best, line: 0 }],
    });
  }
}
