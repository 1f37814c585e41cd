// Pointer, wheel and keys. The page scrolls as any page does: only with Ctrl (or a pinch) does the
// wheel zoom, and a sideways wheel pans.

const pointers = new Map();
let pinch = 0;

function pointAt(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function onWheel(event) {
  const canvas = event.currentTarget;
  const scale = scaleOf(canvas.clientWidth);
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.003), scale.at(pointAt(event, canvas).x));
  } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    pan((event.deltaX || event.deltaY) / canvas.clientWidth);
  }
}

function onPointerMove(event) {
  const canvas = event.currentTarget;
  const point = pointAt(event, canvas);
  const before = pointers.get(event.pointerId);
  cursorX = point.x > gutter() ? point.x : null;
  if (!before || !event.buttons) {
    hover(event, canvas, point);
    redraw();
    return;
  }
  pointers.set(event.pointerId, { ...point, moved: before.moved + Math.abs(point.x - before.x) });
  showTip(null);
  if (pointers.size === 2) {
    pinchTo(canvas);
  } else {
    pan((before.x - point.x) / (canvas.clientWidth - gutter()));
  }
}

function pinchTo(canvas) {
  const [a, b] = [...pointers.values()];
  const distance = Math.max(Math.abs(a.x - b.x), 8);
  if (pinch) zoom(pinch / distance, scaleOf(canvas.clientWidth).at((a.x + b.x) / 2));
  pinch = distance;
}

function hover(event, canvas, point) {
  const scale = scaleOf(canvas.clientWidth);
  const words = canvas === rowsCanvas
    ? wordsAt(point.x, point.y + rowsBox.scrollTop, scale)
    : plotWords(point.x, scale);
  showTip(words, event.clientX, event.clientY);
}

function onPointerDown(event) {
  event.currentTarget.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { ...pointAt(event, event.currentTarget), moved: 0 });
}

function onPointerUp(event) {
  const pointer = pointers.get(event.pointerId);
  pointers.delete(event.pointerId);
  pinch = 0;
  if (!pointer || pointer.moved > 4 || event.currentTarget !== rowsCanvas) return;
  const scale = scaleOf(rowsCanvas.clientWidth);
  const words = wordsAt(pointer.x, pointer.y + rowsBox.scrollTop, scale);
  select(words && words.operation !== undefined ? words.operation : null);
  if (words && words.operation === undefined) fill(detailsBox, words);
}

function onPointerLeave() {
  cursorX = null;
  showTip(null);
  redraw();
}

for (const canvas of [rowsCanvas, latencyCanvas, rateCanvas]) {
  canvas.addEventListener("wheel", onWheel, { passive: false });
  canvas.addEventListener("pointermove", onPointerMove);
  canvas.addEventListener("pointerdown", onPointerDown);
  canvas.addEventListener("pointerup", onPointerUp);
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", onPointerLeave);
}
rowsBox.addEventListener("scroll", redraw);

// To the next or previous operation of the row, or the one of the row above or below.
function step(direction) {
  if (selected === null) {
    const [from, until] = inSight();
    if (from < until) select(direction > 0 ? from : until - 1);
    return;
  }
  const lane = clientLanes[operations.lane[selected]];
  const next = lane[lane.indexOf(selected) + direction];
  if (next === undefined) return;
  select(next);
  bringIntoSight(next);
}

function stepRow(direction) {
  if (selected === null) {
    step(1);
    return;
  }
  const clients = rows.filter((row) => row.kind === "client");
  const at = clients.findIndex((row) => row.lane === operations.lane[selected]);
  const row = clients[at + direction];
  if (!row) return;
  const lane = clientLanes[row.lane];
  const k = firstInLaneAfter(lane, operations.call, operations.call[selected]);
  const next = lane[Math.min(k, lane.length - 1)];
  select(next);
  bringIntoSight(next);
}

const KEYS = {
  ArrowLeft: () => pan(-0.15),
  ArrowRight: () => pan(0.15),
  ArrowUp: () => stepRow(-1),
  ArrowDown: () => stepRow(1),
  PageUp: () => rowsBox.scrollBy(0, -rowsBox.clientHeight * 0.8),
  PageDown: () => rowsBox.scrollBy(0, rowsBox.clientHeight * 0.8),
  "+": () => zoom(0.6),
  "=": () => zoom(0.6),
  "-": () => zoom(1 / 0.6),
  0: () => show(whole.begin, whole.end),
  n: () => step(1),
  p: () => step(-1),
  e: () => jumpToError(),
  Escape: () => select(null),
};

rowsBox.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});
