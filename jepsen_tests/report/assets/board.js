// The timeline: an axis that stays, and rows that scroll under it. Only what is in sight is drawn.

const axisCanvas = document.getElementById("axis");
const rowsBox = document.getElementById("rows");
const rowsCanvas = document.getElementById("rows-canvas");
const spacer = document.getElementById("rows-spacer");
const ROWS_HEIGHT_SHARE = 0.72;
let cursorX = null;

const DRAWERS = {
  fault: drawFaultRow,
  mark: drawMarkRow,
  member: drawMemberRow,
  watch: drawWatchRow,
  client: drawClientRow,
};

function fitRows() {
  layOut();
  const most = Math.max(260, Math.round(window.innerHeight * ROWS_HEIGHT_SHARE));
  rowsBox.style.height = `${Math.min(rowsHeight, most)}px`;
  rowsCanvas.style.height = rowsBox.style.height;
  spacer.style.height = `${Math.max(rowsHeight - rowsBox.clientHeight, 0)}px`;
  redraw();
}

function drawBoard() {
  const paint = prepare(rowsCanvas);
  const scale = scaleOf(rowsCanvas.clientWidth);
  const height = rowsCanvas.clientHeight;
  const scrolled = rowsBox.scrollTop;
  const visible = (row) => row.top + row.height > scrolled - 8 && row.top < scrolled + height + 8;
  paint.translate(0, -scrolled);
  drawGrid(paint, scale, scrolled, height);
  drawFaultBands(paint, scale, scrolled, height);
  paint.save();
  paint.beginPath();
  paint.rect(scale.left - 8, scrolled, scale.width, height);
  paint.clip();
  for (const row of rows) {
    if (row.kind !== "heading" && visible(row)) DRAWERS[row.kind](paint, row, scale);
  }
  drawErrorGuides(paint, scale, scrolled, height);
  drawSelection(paint, scale);
  drawErrors(paint, scale, visible);
  paint.restore();
  for (const row of rows) if (visible(row)) drawLabel(paint, row, scale);
  drawCursor(paint, scrolled, height);
  drawAxis();
}

function drawGrid(paint, scale, top, height) {
  paint.fillStyle = colours["line-soft"];
  for (const [at] of ticks(view, scale.width - scale.left)) {
    paint.fillRect(Math.round(scale.x(at)), top, 1, height);
  }
}

function drawLabel(paint, row, scale) {
  if (row.kind === "heading") {
    paint.fillStyle = colours["ink-soft"];
    paint.font = `600 11px ${SANS}`;
    paint.fillText(row.name.toUpperCase(), 10, row.top + row.height / 2 + 3);
    paint.fillStyle = colours.line;
    paint.fillRect(0, row.top, scale.width, 1);
    return;
  }
  paint.fillStyle = colours.ink;
  paint.font = `12px ${SANS}`;
  const middle = row.kind === "member" ? row.top + 12 : row.top + row.height / 2;
  const name = row.kind === "client" ? clientName(row.lane) : row.name;
  paint.fillText(fitted(paint, name, scale.left - 20), 10, middle);
  if (row.kind === "member") {
    paint.fillStyle = colours["ink-soft"];
    paint.font = `10px ${SANS}`;
    paint.fillText("commit index", 10, row.top + row.height - 8);
  }
}

function drawAxis() {
  const paint = prepare(axisCanvas);
  const scale = scaleOf(axisCanvas.clientWidth);
  paint.font = `11px ${SANS}`;
  for (const [at, step] of ticks(view, scale.width - scale.left)) {
    const x = Math.round(scale.x(at));
    paint.fillStyle = colours.line;
    paint.fillRect(x, 18, 1, 8);
    paint.fillStyle = colours["ink-soft"];
    const words = momentText(at, step);
    const width = paint.measureText(words).width;
    if (x + 4 + width < scale.width) paint.fillText(words, x + 4, 13);
  }
}

function drawCursor(paint, top, height) {
  if (cursorX === null) return;
  paint.fillStyle = colours["ink-soft"];
  paint.globalAlpha = 0.5;
  paint.fillRect(Math.round(cursorX), top, 1, height);
  paint.globalAlpha = 1;
}

function drawSelection(paint, scale) {
  if (selected === null) return;
  const row = rowOf("client", operations.lane[selected]);
  if (!row) return;
  const x = Math.max(scale.x(operations.call[selected]), scale.left);
  const right = Math.min(Math.max(scale.x(operations.end[selected]), x + 3), scale.width);
  if (right < scale.left) return;
  paint.strokeStyle = colours.focus;
  paint.lineWidth = 2;
  paint.strokeRect(x - 3, row.top + 1, right - x + 6, row.height - 2);
}
