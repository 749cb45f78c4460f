// Where plots lead: to a choice of images.

function showImages({ places, iou, attribute }) {
  const fits = (place) =>
    (!places || places.includes(place)) &&
    (!iou || (columns.iou[place] !== null && columns.iou[place] >= iou[0] && (columns.iou[place] < iou[1] || (iou[1] >= 1 && columns.iou[place] <= iou[1])))) &&
    (!attribute || text(data.attributes[attribute[0]], place) === attribute[1]);
  order = (places ?? all).filter(fits);
  document.getElementById("shown").textContent = `${formatCount(order.length)} of ${formatCount(all.length)}`;
  cards.replaceChildren();
  showMore();
  document.getElementById("images").scrollIntoView();
}
