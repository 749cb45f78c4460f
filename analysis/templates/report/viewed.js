// What the viewer shows of this report: see viewer/viewer.js.

const viewed = {
  kind: "report",
  names: data.names,
  mostTold: data.mostTold,
  mostInside: data.mostInside,
  tints: data.tints,
  agreement: data.agreement,
  stems: columns.stem,
  image(place) {
    const image = imageAt(place);
    const about = [aboutText(image), scoreText(image)].filter(Boolean).join(" · ");
    return { width: image.width, height: image.height, about, meaning: `${meanings.iou}. ${meanings.dice}.` };
  },
  panes: (place) => [{ folder: "", thumbnail: data.thumbnails[place], objects: data.objects?.[place] }],
  searches: "search: name, group, split, attributes",
  keys: [["Enter", "on an image: open it"]],
};
