// The part of the run that is seen: one for the timeline and the plots, so that they move together.

const SPAN_LEAST = 2000;

const whole = (() => {
  const margin = Math.max(data.end * 0.01, SPAN_LEAST / 2);
  return { begin: -margin, end: data.end + margin };
})();
const view = { ...whole };
const watchers = [];
let isPending = false;

function onViewChange(callback) {
  watchers.push(callback);
}

// However often it is asked for, everything is drawn once a frame.
function redraw() {
  if (isPending) return;
  isPending = true;
  requestAnimationFrame(() => {
    isPending = false;
    for (const callback of watchers) callback();
  });
}

function show(begin, end) {
  const span = Math.min(Math.max(end - begin, SPAN_LEAST), whole.end - whole.begin);
  const middle = (begin + end) / 2;
  view.begin = Math.min(Math.max(middle - span / 2, whole.begin), whole.end - span);
  view.end = view.begin + span;
  redraw();
}

function zoom(factor, at = (view.begin + view.end) / 2) {
  const span = (view.end - view.begin) * factor;
  if (span > whole.end - whole.begin) {
    show(whole.begin, whole.end);
    return;
  }
  const share = (at - view.begin) / (view.end - view.begin);
  const bounded = Math.max(span, SPAN_LEAST);
  show(at - share * bounded, at + (1 - share) * bounded);
}

function pan(share) {
  const step = (view.end - view.begin) * share;
  show(view.begin + step, view.end + step);
}

// Brings a stretch of time into sight, with some of what surrounds it.
function reveal(begin, end) {
  const span = Math.max((end - begin) * 2, SPAN_LEAST, (whole.end - whole.begin) / 2e6);
  const middle = (begin + end) / 2;
  show(middle - span / 2, middle + span / 2);
}
