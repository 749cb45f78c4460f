// Where in the frame errors lie: a map of wrong and one of missed pixels, as shares of the pixels judged there.

if (plotPlaces("places-wrong").length) {
  const places = data.plots.places;
  const { columns, rows, judged } = places;
  // A cell of which almost nothing was judged tells nothing: a hundredth of the most of any cell.
  const least = Math.max(1, judged.reduce((most, pixels) => Math.max(most, pixels), 0) / 100);
  const TALLEST = 400;
  const sides = { wrong: "False positive", missed: "Missed" };
  const chosen = document.getElementById("places-class");
  const mapOf = () => places.maps[chosen ? Number(chosen.value) : 0];

  // Of a side of a map the pixels and images by cell.
  const byCell = new Map();
  function cellsOf(map, side) {
    const known = byCell.get(map[side]);
    if (known) return known;
    const { cells, pixels, images } = map[side];
    const made = new Map(cells.map((cell, index) => [cell, { pixels: pixels[index], images: images[index] }]));
    byCell.set(map[side], made);
    return made;
  }
  const share = (map, side, cell) => (judged[cell] ? (cellsOf(map, side).get(cell)?.pixels ?? 0) / judged[cell] : null);

  // The ramp ends where all but a hundredth of the cells that hold errors lie below, so that one cell does not pale the rest.
  function topOf(map) {
    const shares = Object.keys(sides).flatMap((side) => [...cellsOf(map, side).keys()].filter((cell) => judged[cell] >= least).map((cell) => share(map, side, cell)));
    shares.sort((a, b) => a - b);
    return { top: shares[Math.floor(0.99 * (shares.length - 1))] || 0, most: shares.at(-1) || 0 };
  }

  const percent = (part, of) => `${Math.round((100 * part) / of)}`;
  function whereText(cell) {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    return `${percent(column + 0.5, columns)} % from the left, ${percent(row + 0.5, rows)} % from the top`;
  }

  function step(cell, key) {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key];
    if (!by) return undefined;
    return Math.min(rows - 1, Math.max(0, row + by[0])) * columns + Math.min(columns - 1, Math.max(0, column + by[1]));
  }

  function drawMap(place, side) {
    const map = mapOf();
    const { top } = topOf(map);
    const worst = [...cellsOf(map, side).keys()].reduce((best, cell) => (judged[cell] >= least && share(map, side, cell) > (best === null ? 0 : share(map, side, best)) ? cell : best), null);
    // upright frames stay as low as others
    place.style.maxWidth = `${Math.round(TALLEST * places.aspect)}px`;
    makePlot(place, {
      label: `${sides[side]} pixels over the frame${map.class === null ? "" : `, ${map.class}`}`,
      height: (width) => Math.round(width / places.aspect),
      count: columns * rows,
      start: worst ?? Math.floor(rows / 2) * columns + Math.floor(columns / 2),
      step,
      tell: (cell) => {
        const known = cellsOf(map, side).get(cell);
        const lines = [[whereText(cell)], [sides[side], judged[cell] ? formatShare(share(map, side, cell)) : "nothing judged here"]];
        if (known) lines.push(["Pixels", `${formatCount(known.pixels)} of ${formatCount(judged[cell])}`]);
        if (known?.images.length) lines.push([`Click shows the ${known.images.length === 1 ? "image" : `${known.images.length} images with most`}`]);
        return lines;
      },
      act: (cell) => {
        const known = cellsOf(map, side).get(cell);
        const of = map.class === null ? "" : ` of ${map.class}`;
        if (known?.images.length) showImages({ places: known.images, said: `most ${sides[side].toLowerCase()} pixels${of} ${whereText(cell)}` });
      },
      draw(svg, width, tall) {
        const [across, down] = [width / columns, tall / rows];
        const box = (cell) => ({ x: rounded((cell % columns) * across), y: rounded(Math.floor(cell / columns) * down), width: rounded(across + 0.3), height: rounded(down + 0.3) });
        svg.append(drawing("rect", { class: `heat-none ${side}`, width, height: tall }));
        judged.forEach((pixels, cell) => { if (!pixels) svg.append(drawing("rect", { class: "heat-unjudged", ...box(cell) })); });
        for (const cell of cellsOf(map, side).keys()) {
          if (judged[cell] < least) continue;
          const level = Math.min(1, share(map, side, cell) / (top || 1));
          svg.append(drawing("rect", { class: `heat ${side}`, style: `--level:${(100 * level).toFixed(1)}%`, ...box(cell) }));
        }
        svg.append(drawing("rect", { class: "heat-frame", x: 0.5, y: 0.5, width: width - 1, height: tall - 1 }));
        return {
          nearest: (px, py) => Math.min(rows - 1, Math.max(0, Math.floor(py / down))) * columns + Math.min(columns - 1, Math.max(0, Math.floor(px / across))),
          anchor: (cell) => [((cell % columns) + 0.5) * across, (Math.floor(cell / columns) + 0.5) * down],
          mark: (cell) => [drawing("rect", { class: "heat-mark", ...box(cell) })],
        };
      },
    });
  }

  function tellRamps() {
    const { top, most } = topOf(mapOf());
    for (const ramp of document.querySelectorAll(".ramp output")) ramp.textContent = top ? `${formatShare(top)}${most > top * 1.0001 ? ` and more, up to ${formatShare(most)}` : ""}` : "no errors";
  }

  function drawMaps() {
    for (const side of Object.keys(sides)) {
      for (const place of plotPlaces(`places-${side}`)) drawMap(freshPlace(place), side);
    }
    tellRamps();
  }
  chosen?.addEventListener("change", drawMaps);
  drawMaps();
}
