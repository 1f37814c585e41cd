// Sharp canvases, the page's colours, and the patterns that tell states apart without colour.

const COLOUR_NAMES = ["page", "panel", "ink", "ink-soft", "line", "line-soft", "write", "write-ink",
  "read", "read-ink", "fail", "info", "info-soft", "error", "fault", "fault-band", "leader",
  "leader-ink", "follower", "follower-ink", "candidate", "down", "commit", "watch", "focus"];
const colours = {};
const patterns = {};

function readColours() {
  const styles = getComputedStyle(document.documentElement);
  for (const name of COLOUR_NAMES) colours[name] = styles.getPropertyValue(`--${name}`).trim();
  patterns.info = stripes(colours["info-soft"], colours.info, 8);
  patterns.candidate = stripes("transparent", colours.candidate, 7);
  patterns.down = stripes("transparent", colours.down, 5);
}

function stripes(background, line, size) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const paint = tile.getContext("2d");
  paint.fillStyle = background;
  paint.fillRect(0, 0, size, size);
  paint.strokeStyle = line;
  paint.lineWidth = 1.6;
  for (const shift of [-size, 0, size]) {
    paint.beginPath();
    paint.moveTo(shift - 1, size + 1);
    paint.lineTo(shift + size + 1, -1);
    paint.stroke();
  }
  return paint.createPattern(tile, "repeat");
}

const SANS = getComputedStyle(document.body).fontFamily;
const MONO = getComputedStyle(document.documentElement).getPropertyValue("--mono");

// A context in CSS pixels, cleared, of the size that the canvas has on the page.
function prepare(canvas, width = canvas.clientWidth, height = canvas.clientHeight) {
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const paint = canvas.getContext("2d");
  paint.setTransform(scale, 0, 0, scale, 0, 0);
  paint.clearRect(0, 0, width, height);
  paint.textBaseline = "middle";
  return paint;
}

const GUTTER_WIDE = 128;
const GUTTER_NARROW = 84;
const gutter = () => (window.innerWidth < 740 ? GUTTER_NARROW : GUTTER_WIDE);

// Time to pixels for a canvas of this width.
function scaleOf(width) {
  const left = gutter();
  const share = (width - left) / (view.end - view.begin);
  return {
    left,
    width,
    x: (at) => left + (at - view.begin) * share,
    at: (x) => view.begin + (x - left) / share,
    perPixel: 1 / share,
  };
}

// Text cut to a width with an ellipsis; nothing where not even a few characters fit.
function fitted(paint, words, width) {
  if (width < 14) return "";
  if (words.length > 120) words = words.slice(0, 120);
  if (paint.measureText(words).width <= width) return words;
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (paint.measureText(words.slice(0, middle) + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return low > 1 ? words.slice(0, low) + "…" : "";
}
