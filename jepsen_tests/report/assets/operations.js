// A client's row. An ok is a filled bar, a fail a hollow one that is struck through, an info a
// striped one that stays open. Where operations are closer than pixels they melt into columns a pixel
// wide: a fail takes its lower third, an info stands out above it.

const BAR_TOP = 4;
const BAR_PIXELS_LEAST = 4;

function drawClientRow(paint, row, scale) {
  const lane = clientLanes[row.lane];
  // A bar ends where the next of its lane begins, so at most one reaches in from before.
  const from = Math.max(firstInLaneAfter(lane, operations.call, view.begin) - 1, 0);
  const until = firstInLaneAfter(lane, operations.call, view.end);
  const box = { top: row.top + BAR_TOP, height: row.height - 2 * BAR_TOP };
  const column = { left: -1, right: -1, seen: 0, isRead: false, isFaded: false };
  for (let k = from; k < until; k++) {
    const i = lane[k];
    const x = scale.x(operations.call[i]);
    const next = k + 1 < lane.length ? scale.x(operations.call[lane[k + 1]]) : Infinity;
    const right = Math.min(scale.x(operations.end[i]), next - 1);
    if (right < scale.left) {
      if (operations.status[i] === INFO) drawOpenEnd(paint, scale.left, Math.min(next, scale.width), box);
      continue;
    }
    if (right - x >= BAR_PIXELS_LEAST) {
      drawColumn(paint, column, box);
      drawBar(paint, i, x, right, next, box, scale);
    } else if (x >= scale.left - 1) {
      melt(paint, column, i, x, right, box);
    }
  }
  drawColumn(paint, column, box);
}

function melt(paint, column, i, x, right, box) {
  const left = Math.floor(x);
  if (column.seen && left !== column.left) drawColumn(paint, column, box);
  if (!column.seen) Object.assign(column, { left, right: left + 1, isRead: true, isFaded: true });
  column.seen |= 1 << operations.status[i];
  column.right = Math.max(column.right, Math.min(right, left + BAR_PIXELS_LEAST));
  if (operations.status[i] === OK && !operations.reads[i]) column.isRead = false;
  if (!isFaded(i)) column.isFaded = false;
}

function drawColumn(paint, column, box) {
  if (!column.seen) return;
  const width = column.right - column.left;
  paint.globalAlpha = column.isFaded ? FADED : 1;
  if (column.seen & (1 << OK)) {
    paint.fillStyle = colours[column.isRead ? "read" : "write"];
    paint.fillRect(column.left, box.top, width, box.height);
  }
  if (column.seen & (1 << FAIL)) {
    paint.fillStyle = colours.fail;
    paint.fillRect(column.left, box.top + (box.height * 2) / 3, width, box.height / 3);
  }
  if (column.seen & (1 << INFO)) {
    paint.fillStyle = colours.info;
    paint.fillRect(column.left, box.top - BAR_TOP + 1, Math.max(width, 2), BAR_TOP + box.height / 2);
  }
  paint.globalAlpha = 1;
  column.seen = 0;
}

function drawBar(paint, i, x, right, next, box, scale) {
  const left = Math.max(x, scale.left - 2);
  const width = Math.min(right, scale.width + 2) - left;
  const status = operations.status[i];
  paint.globalAlpha = isFaded(i) ? FADED : 1;
  paint.beginPath();
  paint.roundRect(left, box.top, width, box.height, 3);
  if (status === OK) {
    paint.fillStyle = colours[operations.reads[i] ? "read" : "write"];
    paint.fill();
  } else if (status === FAIL) {
    paint.strokeStyle = colours.fail;
    paint.lineWidth = 1.25;
    paint.stroke();
    paint.beginPath();
    paint.moveTo(left + 1, box.top + box.height - 1);
    paint.lineTo(left + Math.min(width, box.height) - 1, box.top + 1);
    paint.stroke();
  } else {
    paint.fillStyle = patterns.info;
    paint.fill();
    paint.strokeStyle = colours.info;
    paint.lineWidth = 1.25;
    paint.stroke();
    drawOpenEnd(paint, right, Math.min(next, scale.width), box);
  }
  drawBarText(paint, i, left, width, box);
  paint.globalAlpha = 1;
}

// It may still happen: a dotted line goes on until the lane is used again.
function drawOpenEnd(paint, from, until, box) {
  if (until - from < 4) return;
  paint.save();
  paint.strokeStyle = colours.info;
  paint.lineWidth = 1.25;
  paint.setLineDash([2, 4]);
  paint.beginPath();
  paint.moveTo(from + 2, box.top + box.height / 2);
  paint.lineTo(until, box.top + box.height / 2);
  paint.stroke();
  paint.restore();
}

function drawBarText(paint, i, left, width, box) {
  const status = operations.status[i];
  const inset = status === FAIL ? box.height + 2 : 6;
  paint.font = `11px ${MONO}`;
  const words = fitted(paint, operationLabel(i), width - inset - 5);
  if (!words) return;
  const middle = box.top + box.height / 2 + 0.5;
  if (status === INFO) {
    paint.fillStyle = colours["info-soft"];
    paint.fillRect(left + inset - 2, box.top + 2, paint.measureText(words).width + 4, box.height - 4);
  }
  paint.fillStyle = status === OK ? colours[operations.reads[i] ? "read-ink" : "write-ink"] : colours.ink;
  paint.fillText(words, left + inset, middle);
}

// Through all rows, so that it is seen what members and faults were doing then.
function drawErrorGuides(paint, scale, top, height) {
  paint.save();
  paint.strokeStyle = colours.error;
  paint.globalAlpha = 0.45;
  paint.setLineDash([2, 3]);
  for (const error of data.errors) {
    const x = Math.round(scale.x(operations.call[error.operation])) + 0.5;
    if (x < scale.left || x > scale.width) continue;
    paint.beginPath();
    paint.moveTo(x, top);
    paint.lineTo(x, top + height);
    paint.stroke();
  }
  paint.restore();
}

// The operations of the findings: outlined, numbered as in the counterexample, on top of all.
function drawErrors(paint, scale, visible) {
  for (const error of data.errors) {
    const row = rowOf("client", operations.lane[error.operation]);
    if (!row || !visible(row)) continue;
    const x = scale.x(operations.call[error.operation]);
    const right = Math.max(scale.x(operations.end[error.operation]), x + 3);
    if (right < scale.left || x > scale.width) continue;
    const left = Math.max(x, scale.left);
    paint.strokeStyle = colours.error;
    paint.lineWidth = 3;
    paint.beginPath();
    paint.roundRect(left - 1.5, row.top + 2.5, Math.min(right, scale.width + 4) - left + 3, row.height - 5, 4);
    paint.stroke();
    drawNumber(paint, error.label, left, row.top + 3);
  }
}

function drawNumber(paint, label, x, y) {
  paint.font = `700 10px ${SANS}`;
  const width = Math.max(paint.measureText(label).width + 8, 15);
  paint.beginPath();
  paint.roundRect(x - width / 2, y - 7.5, width, 15, 7.5);
  paint.fillStyle = colours.error;
  paint.fill();
  paint.strokeStyle = colours.panel;
  paint.lineWidth = 1.5;
  paint.stroke();
  paint.fillStyle = colours.panel;
  paint.textAlign = "center";
  paint.fillText(label, x, y + 0.5);
  paint.textAlign = "left";
}
