// Times in words, and the ticks of an axis.

const UNITS = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

function durationText(nanoseconds) {
  for (const [unit, size] of UNITS) {
    if (nanoseconds >= size) {
      const amount = nanoseconds / size;
      return `${amount >= 100 ? Math.round(amount).toLocaleString("en") : Number(amount.toPrecision(3))} ${unit}`;
    }
  }
  return "0 s";
}

// A moment, as exactly as the distance between two ticks asks for.
function momentText(nanoseconds, step = 1000) {
  const decimals = Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(step))));
  return `${(nanoseconds / 1e9).toFixed(decimals)} s`;
}

// The round step of 1, 2 or 5 whose ticks lie at least `pixels` apart.
function tickStep(span, width, pixels) {
  const least = (span * pixels) / Math.max(width, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}

function* ticks(view, width, pixels = 92) {
  const step = tickStep(view.end - view.begin, width, pixels);
  for (let at = Math.ceil(view.begin / step) * step; at <= view.end; at += step) yield [at, step];
}
