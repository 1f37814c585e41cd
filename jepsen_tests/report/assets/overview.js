// The whole run in one strip: how much went on, where the faults and the errors are, and which part
// the timeline shows. Dragging it moves that part.

const overviewCanvas = document.getElementById("overview");
let density = null;

function countDensity(bins) {
  if (density && density.bins === bins) return density;
  const counts = [0, 1, 2].map(() => new Uint32Array(bins));
  const span = whole.end - whole.begin;
  for (let i = 0; i < operations.count; i++) {
    const bin = Math.floor(((operations.call[i] - whole.begin) / span) * bins);
    counts[operations.status[i]][bin]++;
  }
  let most = 1;
  for (let bin = 0; bin < bins; bin++) {
    most = Math.max(most, counts[0][bin] + counts[1][bin] + counts[2][bin]);
  }
  density = { bins, counts, most };
  return density;
}

const BIN_PIXELS = 3;

function drawOverview() {
  const paint = prepare(overviewCanvas);
  const width = overviewCanvas.clientWidth;
  const height = overviewCanvas.clientHeight;
  const left = gutter();
  const share = (width - left) / (whole.end - whole.begin);
  const x = (at) => left + (at - whole.begin) * share;
  paint.fillStyle = colours["ink-soft"];
  paint.font = `600 11px ${SANS}`;
  paint.fillText(left === GUTTER_WIDE ? "WHOLE RUN" : "RUN", 10, 17);
  paint.font = `11px ${SANS}`;
  paint.fillText(durationText(data.end), 10, 34);
  for (const fault of data.faults) {
    paint.fillStyle = colours["fault-band"];
    paint.fillRect(x(fault.begin), 0, Math.max(x(fault.end) - x(fault.begin), 1), height);
  }
  drawDensity(paint, countDensity(Math.max(1, Math.floor((width - left) / BIN_PIXELS))), left, height);
  for (const error of data.errors) {
    const at = x(operations.call[error.operation]);
    paint.fillStyle = colours.error;
    paint.fillRect(at - 1, 0, 2, height);
    paint.beginPath();
    paint.moveTo(at - 5, 0);
    paint.lineTo(at + 5, 0);
    paint.lineTo(at, 8);
    paint.fill();
  }
  drawWindow(paint, x(view.begin), x(view.end), left, width, height);
}

function drawDensity(paint, { bins, counts, most }, left, height) {
  const tall = height - 14;
  const fills = [colours.write, colours.fail, colours.info];
  for (let bin = 0; bin < bins; bin++) {
    let base = height - 4;
    for (let status = 0; status < 3; status++) {
      const count = counts[status][bin];
      if (!count) continue;
      const bar = Math.max((count / most) * tall, 1);
      paint.fillStyle = fills[status];
      paint.fillRect(left + bin * BIN_PIXELS, base - bar, BIN_PIXELS - 0.5, bar);
      base -= bar;
    }
  }
}

function drawWindow(paint, from, until, left, width, height) {
  const wide = Math.max(until - from, 3);
  paint.globalAlpha = 0.62;
  paint.fillStyle = colours.panel;
  paint.fillRect(left, 0, Math.max(from - left, 0), height);
  paint.fillRect(from + wide, 0, Math.max(width - from - wide, 0), height);
  paint.globalAlpha = 1;
  paint.strokeStyle = colours.ink;
  paint.lineWidth = 1.5;
  paint.strokeRect(from + 0.75, 0.75, Math.max(wide - 1.5, 2), height - 1.5);
}

function centreFromOverview(event) {
  const box = overviewCanvas.getBoundingClientRect();
  const left = gutter();
  const share = (event.clientX - box.left - left) / (box.width - left);
  const at = whole.begin + Math.min(Math.max(share, 0), 1) * (whole.end - whole.begin);
  const half = (view.end - view.begin) / 2;
  show(at - half, at + half);
}

overviewCanvas.addEventListener("pointerdown", (event) => {
  overviewCanvas.setPointerCapture(event.pointerId);
  if (view.end - view.begin > (whole.end - whole.begin) * 0.95) zoom(0.1);
  centreFromOverview(event);
});
overviewCanvas.addEventListener("pointermove", (event) => {
  if (event.buttons) centreFromOverview(event);
});
