// Pointers: one drags the image or the handle between truth and prediction, two zoom, a tap reads values,
// a swipe over an image that is seen whole steps to the next.

const pointers = new Map();
const gesture = { handle: false, several: false, start: null, fitted: false };
const apart = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
const paneAt = (event) => event.target.closest?.(".picture");
const TAP = 6; // screen pixels that a finger may tremble
const SWIPE = 50;

// Where a pointer is in its pane, which is the same place in all.
function pointIn(event, picture) {
  const box = picture.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

stage.addEventListener("pointerdown", (event) => {
  const picture = paneAt(event);
  if (!picture || event.button > 0) return;
  gesture.several = pointers.size > 0;
  if (!gesture.several) Object.assign(gesture, { picture, handle: event.target.matches(".handle"), fitted: view.fitted, start: pointIn(event, picture) });
  pointers.set(event.pointerId, pointIn(event, gesture.picture));
  gesture.picture.setPointerCapture(event.pointerId);
});

stage.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (before) dragTo(event, before);
  else if (event.pointerType !== "touch" && paneAt(event)) pointTo(pixelAt(pointIn(event, paneAt(event))));
});

function dragTo(event, before) {
  const now = pointIn(event, gesture.picture);
  const distance = pointers.size === 2 ? apart([...pointers.values()]) : 0;
  pointers.set(event.pointerId, now);
  if (gesture.handle) {
    setWipe((100 * (now.x - view.x)) / (view.width * view.scale));
  } else if (pointers.size === 2) {
    const [a, b] = pointers.values();
    zoomTo(view.scale * (apart([a, b]) / distance), (a.x + b.x) / 2, (a.y + b.y) / 2);
  } else if (!swipes(event) && apart([now, gesture.start]) > TAP) {
    moveBy(now.x - before.x, now.y - before.y);
  }
}

const swipes = (event) => event.pointerType === "touch" && gesture.fitted && !gesture.several;

stage.addEventListener("pointerup", (event) => {
  if (!pointers.delete(event.pointerId) || gesture.handle || pointers.size) return;
  const end = pointIn(event, gesture.picture);
  const [across, down] = [end.x - gesture.start.x, end.y - gesture.start.y];
  if (!gesture.several && Math.hypot(across, down) <= TAP) tapAt(pixelAt(end));
  else if (swipes(event) && Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(down)) stepImage(across < 0 ? 1 : -1);
});
stage.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
stage.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") pointTo(null); });

function tapAt(pixel) {
  pointTo(pixel);
  if (pixel && shownLayers.has("objects")) chooseAt(pixel);
}

stage.addEventListener("wheel", (event) => {
  const picture = paneAt(event);
  if (!picture) return;
  event.preventDefault();
  const { x, y } = pointIn(event, picture);
  zoomTo(view.scale * Math.exp(-event.deltaY / 400), x, y);
}, { passive: false });
stage.addEventListener("dblclick", (event) => {
  const picture = paneAt(event);
  if (!picture) return;
  const { x, y } = pointIn(event, picture);
  if (view.fitted) zoomTo(Math.max(1, 2 * view.scale), x, y);
  else fit();
});
