// Bars: images by score, errors by the distance to crops' edges, true objects by size.

{
  for (const place of plotPlaces("histogram")) {
    const bars = data.plots.histogram;
    const most = Math.max(...bars.map((bar) => bar.count));
    const range = ({ low, high }) => `${low.toFixed(4)} to ${high.toFixed(4)}`;
    makePlot(place, {
      label: "Images by their foreground IoU",
      height: 190,
      count: bars.length,
      start: bars.findIndex((bar) => bar.count),
      tell: (index) => [[`IoU ${range(bars[index])}`], ["Images", formatCount(bars[index].count)]],
      act: (index) => {
        const { low, high, count } = bars[index];
        if (count) showImages({ iou: [low, high], said: `foreground IoU ${range(bars[index])}` });
      },
      draw(svg, width, tall) {
        const box = boxOf(width, tall, { left: 40 });
        const x = linearScale([bars[0].low, 1], [box.left, box.right]);
        const y = linearScale([0, most], [box.bottom, box.top]);
        drawAxes(svg, box, { x, y, wordsX: "IoU of the image", wordsY: "images", ticksY: y.ticks(4).filter(Number.isInteger) });
        const shape = ({ low, high, count }, from = y(count)) => ({ x: rounded(x(low) + 1), width: rounded(Math.max(1, x(high) - x(low) - 2)), y: rounded(from), height: rounded(box.bottom - from) });
        for (const bar of bars) if (bar.count) svg.append(drawing("rect", { class: "bar-shape", ...shape(bar) }));
        return {
          nearest: (px, py) => (px < box.left - 4 || py > box.bottom + 20 ? null : Math.min(bars.length - 1, Math.max(0, Math.floor((x.invert(px) - bars[0].low) / (bars[0].high - bars[0].low))))),
          anchor: (index) => [(x(bars[index].low) + x(bars[index].high)) / 2, y(bars[index].count)],
          mark: (index) => [drawing("rect", { class: "bar-mark", ...shape(bars[index], box.top) })],
        };
      },
    });
  }

  // A band for each bin; `value(bin)` is a share or null, `interval(bin)` its ends, `line` a share that all are held against.
  function drawBands(place, { label, height = 210, bottom = 52, bins, name, under, value, interval, line, tell, most, shape, formatY, wordsX, wordsY, start }) {
    makePlot(place, {
      label,
      height,
      count: bins.length,
      start,
      tell,
      draw(svg, width, tall) {
        const box = boxOf(width, tall, { left: 46, bottom });
        const band = (box.right - box.left) / bins.length;
        const middle = (index) => box.left + (index + 0.5) * band;
        const y = linearScale([0, most], [box.bottom, box.top]);
        drawAxes(svg, box, { x: middle, y, ticksX: [], formatY, wordsY });
        svg.append(writing(box.right, tall - 6, wordsX, "end"));
        bins.forEach((bin, index) => {
          const [at, share] = [rounded(middle(index)), value(bin)];
          svg.append(writing(at, box.bottom + 15, name(bin, band)), writing(at, box.bottom + 30, under(bin)));
          if (share === null) return;
          if (shape === "bar") svg.append(drawing("rect", { class: "bar-shape", x: rounded(at - band * 0.36), width: rounded(band * 0.72), y: rounded(y(share)), height: rounded(box.bottom - y(share)) }));
          else svg.append(drawing("circle", { class: "point line1", cx: at, cy: rounded(y(share)), r: 4 }));
          const ends = interval?.(bin);
          if (ends) svg.append(drawing("path", { class: "whisker", d: `M${at},${rounded(y(ends[0]))}V${rounded(y(ends[1]))}` }));
        });
        if (line !== undefined && line !== null) svg.append(drawing("line", { class: "held", x1: box.left, x2: box.right, y1: rounded(y(line)), y2: rounded(y(line)) }));
        return {
          nearest: (px) => (px < box.left ? null : Math.min(bins.length - 1, Math.floor((px - box.left) / band))),
          anchor: (index) => [middle(index), y(value(bins[index]) ?? 0)],
          mark: (index) => [drawing("rect", { class: "bar-mark", x: middle(index) - band / 2, width: band, y: box.top, height: box.bottom - box.top })],
        };
      },
    });
  }

  const distance = ({ from_pixels: from, to_pixels: to }) => (to === null ? `${from}+` : `${from}–${to + 1}`);
  for (const place of plotPlaces("crop-edges")) {
    const { bins, error_rate: overall } = data.plots.crop_edges;
    drawBands(place, {
      label: "Share of wrong pixels by the distance to the crop's edge",
      height: 260,
      bottom: 38,
      bins,
      name: distance,
      under: () => "",
      value: (bin) => bin.error_rate,
      line: overall,
      most: 1.12 * Math.max(overall, ...bins.map((bin) => bin.error_rate ?? 0)) || 1,
      shape: "bar",
      formatY: formatTickShare,
      wordsX: "pixels from the crop's nearest inner edge",
      wordsY: "wrong",
      start: bins.findIndex((bin) => bin.pixels),
      tell: (index) => [
        [`${distance(bins[index])} px from the edge`],
        ["Wrong", formatShare(bins[index].error_rate)],
        ["Pixels", formatCount(bins[index].pixels)],
        ["All distances", formatShare(overall)],
      ],
    });
  }

  // A narrow band says its fewest pixels alone.
  const size = ({ from_pixels: from, to_pixels: to }, band = 100) => (to === null || band < 66 ? `${formatTick(from)}+` : `${formatTick(from)}–${formatTick(to)}`);
  for (const place of plotPlaces("true-sizes")) {
    const bins = data.plots.true_sizes;
    drawBands(place, {
      label: "Share of the true objects that were found, by their size",
      bins,
      name: size,
      under: (bin) => (bin.objects ? `n ${formatTick(bin.objects)}` : ""),
      value: (bin) => (bin.objects ? bin.found / bin.objects : null),
      interval: (bin) => bin.found_interval,
      line: 0.5,
      most: 1,
      shape: "point",
      formatY: formatTickShare,
      wordsX: "pixels of the true object",
      wordsY: "found",
      start: bins.findIndex((bin) => bin.objects),
      tell: (index) => {
        const bin = bins[index];
        const share = bin.objects ? formatShare(bin.found / bin.objects) : "–";
        return [
          [`${size(bin)} px`],
          ["Found", bin.objects ? `${formatCount(bin.found)} of ${formatCount(bin.objects)}, ${share}` : "no such object"],
          ...(bin.found_interval ? [["95 % interval", bin.found_interval.map(formatShare).join(" to ")]] : []),
          ["Recall of pixels", formatScore(bin.recall)],
        ];
      },
    });
  }
}
