// Latency and rate over the same stretch of time as the timeline shows. Few operations are points,
// one each; many are quantiles a column, computed anew for what is in sight.

const latencyCanvas = document.getElementById("latency");
const rateCanvas = document.getElementById("rate");
const POINTS_MOST = 4000;
const COLUMN_PIXELS = 8;
const POINT_TOP = 12;
const QUANTILE_LEAST = 4;
const QUANTILES = [[0.5, "half", []], [0.95, "95 %", [6, 3]], [0.99, "99 %", [2, 3]]];
let columns = null;

function inSight() {
  const from = firstAfter(operations.call, view.begin - 1);
  return [from, firstAfter(operations.call, view.end)];
}

// What the columns of both plots hold, for this view and width.
function gather(scale) {
  const asked = `${view.begin} ${view.end} ${scale.width}`;
  if (columns?.asked === asked) return;
  const count = Math.max(1, Math.floor((scale.width - scale.left) / COLUMN_PIXELS));
  const span = view.end - view.begin;
  const counts = Array.from({ length: 3 }, () => new Uint32Array(count));
  const took = Array.from({ length: count }, () => []);
  const [from, until] = inSight();
  let most = 0;
  let least = Infinity;
  for (let i = from; i < until; i++) {
    const column = Math.min(Math.floor(((operations.call[i] - view.begin) / span) * count), count - 1);
    counts[operations.status[i]][column]++;
    if (operations.took[i] < 0 || operations.status[i] === INFO) continue;
    took[column].push(operations.took[i]);
    most = Math.max(most, operations.took[i]);
    least = Math.min(least, operations.took[i]);
  }
  const quantiles = took.map((list) => quantilesOf(list));
  columns = { asked, count, counts, quantiles, from, until, least: Math.max(least, 1), most, seconds: span / count / 1e9 };
}

function quantilesOf(list) {
  if (!list.length) return null;
  const sorted = Float64Array.from(list).sort();
  const at = (share) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)];
  return { count: sorted.length, values: QUANTILES.map(([share]) => at(share)), most: sorted[sorted.length - 1] };
}

function frame(paint, scale, height, title, labels) {
  drawFaultBands(paint, scale, 0, height);
  drawGrid(paint, scale, 0, height);
  paint.font = `600 11px ${SANS}`;
  paint.fillStyle = colours["ink-soft"];
  paint.fillText(title.toUpperCase(), 10, 15);
  paint.font = `11px ${SANS}`;
  paint.textAlign = "right";
  for (const [y, words] of labels) {
    paint.fillStyle = colours["line-soft"];
    paint.fillRect(scale.left, Math.round(y), scale.width - scale.left, 1);
    paint.fillStyle = colours["ink-soft"];
    if (y > 26) paint.fillText(words, scale.left - 8, y);
  }
  paint.textAlign = "left";
}

function drawLatency() {
  const paint = prepare(latencyCanvas);
  const height = latencyCanvas.clientHeight;
  const scale = scaleOf(latencyCanvas.clientWidth);
  gather(scale);
  if (!columns.most) {
    frame(paint, scale, height, "Latency", []);
    return;
  }
  const low = Math.log10(columns.least) - 0.15;
  const high = Math.max(Math.log10(columns.most) + 0.15, low + 0.5);
  const y = (took) => height - 8 - ((Math.log10(Math.max(took, 1)) - low) / (high - low)) * (height - 34);
  frame(paint, scale, height, "Latency", [...decades(low, high)].map((at) => [y(at), durationText(at)]));
  paint.save();
  paint.beginPath();
  paint.rect(scale.left, 0, scale.width, height);
  paint.clip();
  if (columns.until - columns.from <= POINTS_MOST) drawPoints(paint, scale, y);
  else drawLargest(paint, scale, y);
  QUANTILES.forEach((quantile, which) => drawQuantile(paint, scale, y, which));
  drawCursor(paint, 0, height);
  paint.restore();
}

function* decades(low, high) {
  const factors = high - low < 1.2 ? [1, 2, 5] : [1];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const factor of factors) {
      const at = factor * 10 ** power;
      if (Math.log10(at) >= low && Math.log10(at) <= high) yield at;
    }
  }
}

// A point an operation: ok a dot, fail a cross, info an open triangle at the time it was given up.
function drawPoints(paint, scale, y) {
  paint.globalAlpha = 0.75;
  for (let i = columns.from; i < columns.until; i++) {
    const x = scale.x(operations.call[i]);
    const at = operations.took[i] < 0 ? POINT_TOP : Math.max(y(operations.took[i]), POINT_TOP);
    const status = operations.status[i];
    paint.beginPath();
    if (status === OK) {
      paint.fillStyle = colours.write;
      paint.arc(x, at, operations.reads[i] ? 1.6 : 2.2, 0, 7);
      paint.fill();
    } else if (status === FAIL) {
      paint.strokeStyle = colours.fail;
      paint.lineWidth = 1.25;
      paint.moveTo(x - 3, at - 3);
      paint.lineTo(x + 3, at + 3);
      paint.moveTo(x + 3, at - 3);
      paint.lineTo(x - 3, at + 3);
      paint.stroke();
    } else {
      paint.strokeStyle = colours.info;
      paint.lineWidth = 1.25;
      paint.moveTo(x - 3.5, at + 3);
      paint.lineTo(x, at - 3.5);
      paint.lineTo(x + 3.5, at + 3);
      paint.closePath();
      paint.stroke();
    }
  }
  paint.globalAlpha = 1;
  paint.strokeStyle = colours.error;
  paint.lineWidth = 2;
  for (const { operation } of data.errors) {
    if (operation < columns.from || operation >= columns.until || operations.took[operation] < 0) continue;
    paint.beginPath();
    paint.arc(scale.x(operations.call[operation]), y(operations.took[operation]), 5, 0, 7);
    paint.stroke();
  }
}

function drawLargest(paint, scale, y) {
  paint.fillStyle = colours.write;
  paint.globalAlpha = 0.5;
  columns.quantiles.forEach((column, k) => {
    if (column) paint.fillRect(scale.left + (k + 0.5) * COLUMN_PIXELS - 1, y(column.most) - 1, 2, 2);
  });
  paint.globalAlpha = 1;
}

function drawQuantile(paint, scale, y, which) {
  paint.strokeStyle = colours.ink;
  paint.lineWidth = which === 0 ? 1.75 : 1.1;
  paint.setLineDash(QUANTILES[which][2]);
  paint.beginPath();
  let isOpen = false;
  columns.quantiles.forEach((column, k) => {
    if (!column || column.count < QUANTILE_LEAST) {
      isOpen = false;
      return;
    }
    const x = scale.left + (k + 0.5) * COLUMN_PIXELS;
    if (isOpen) paint.lineTo(x, y(column.values[which]));
    else paint.moveTo(x, y(column.values[which]));
    isOpen = true;
  });
  paint.stroke();
  paint.setLineDash([]);
}

function drawRate() {
  const paint = prepare(rateCanvas);
  const height = rateCanvas.clientHeight;
  const scale = scaleOf(rateCanvas.clientWidth);
  const rate = (k) => [0, 1, 2].map((status) => columns.counts[status][k] / columns.seconds);
  let most = 0;
  for (let k = 0; k < columns.count; k++) most = Math.max(most, rate(k).reduce((a, b) => a + b));
  const tall = height - 32;
  const y = (amount) => height - 8 - (most ? (amount / most) * tall : 0);
  const step = tickStep(most || 1, tall, 30);
  const labels = [];
  for (let at = 0; at <= most; at += step) labels.push([y(at), `${rateText(at)}/s`]);
  frame(paint, scale, height, "Rate", labels);
  const fills = [colours.write, colours.fail, patterns.info];
  for (let k = 0; k < columns.count; k++) {
    let base = 0;
    rate(k).forEach((amount, status) => {
      if (!amount) return;
      paint.fillStyle = fills[status];
      paint.fillRect(scale.left + k * COLUMN_PIXELS, y(base + amount), COLUMN_PIXELS - 1, y(base) - y(base + amount));
      base += amount;
    });
  }
  drawCursor(paint, 0, height);
}

function rateText(amount) {
  return Number(amount.toPrecision(3)).toLocaleString("en");
}

function plotWords(x, scale) {
  const k = Math.floor((x - scale.left) / COLUMN_PIXELS);
  if (!columns || k < 0 || k >= columns.count) return null;
  const column = columns.quantiles[k];
  const rest = [0, 1, 2].map((status) =>
    `${STATUS_NAMES[status]}: ${rateText(columns.counts[status][k] / columns.seconds)}/s`);
  if (column) {
    QUANTILES.forEach(([, name], which) => rest.push(`${name} took at most ${durationText(column.values[which])}`));
    rest.push(`the longest ${durationText(column.most)}`);
  }
  return { title: `around ${momentText(scale.at(x), view.end - view.begin)}`, rest };
}
