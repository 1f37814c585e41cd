// Buttons, fields, and the first picture.

const rangeOutput = document.getElementById("range");
let nextFinding = 0;

// The findings that point to operations of this run, each with the stretch of time it takes.
const stretches = (() => {
  const found = new Map();
  for (const { finding, operation } of data.errors) {
    const stretch = found.get(finding) ?? { first: operation, begin: Infinity, end: -Infinity };
    stretch.begin = Math.min(stretch.begin, operations.call[operation]);
    const isOpen = operations.took[operation] < 0;
    stretch.end = Math.max(stretch.end, isOpen ? operations.call[operation] : operations.end[operation]);
    found.set(finding, stretch);
  }
  return [...found.values()];
})();

function jumpToError(which = nextFinding) {
  if (!stretches.length) return;
  const stretch = stretches[which % stretches.length];
  nextFinding = (which + 1) % stretches.length;
  sayNextError();
  reveal(stretch.begin, stretch.end);
  select(stretch.first);
  bringIntoSight(stretch.first);
}

function sayNextError() {
  if (stretches.length < 2) return;
  const words = `Jump to error ${nextFinding + 1} of ${stretches.length}`;
  document.querySelector("[data-do=error]").textContent = words;
}

// Where there are more clients than fit, those of the counterexample are what matters first.
function openAtError() {
  const box = document.getElementById("error-only");
  if (rowsHeight > rowsBox.clientHeight) {
    box.checked = filter.isErrorOnly = true;
    fitRows();
  }
  jumpToError(0);
  nextFinding = 0;
  sayNextError();
}

function sayRange() {
  const span = view.end - view.begin;
  const step = span / 1000;
  const words = span >= (whole.end - whole.begin) * 0.999
    ? `the whole run, ${durationText(data.end)}`
    : `${momentText(Math.max(view.begin, 0), step)} to ${momentText(view.end, step)} (${durationText(span)})`;
  if (rangeOutput.textContent !== words) rangeOutput.textContent = words;
}

const ACTIONS = {
  error: () => jumpToError(),
  in: () => zoom(0.5),
  out: () => zoom(2),
  all: () => show(whole.begin, whole.end),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do) ACTIONS[button.dataset.do]();
  if (button.dataset.operation) goTo(Number(button.dataset.operation));
  if (button.dataset.at) goToMoment(Number(button.dataset.at));
  if (button.dataset.copy !== undefined) copy(button);
});

function goTo(operation) {
  const end = operations.took[operation] < 0 ? operations.call[operation] : operations.end[operation];
  reveal(operations.call[operation], Math.max(end, operations.call[operation] + 1e6));
  select(operation);
  document.getElementById("timeline").scrollIntoView();
  bringIntoSight(operation);
}

function goToMoment(at) {
  const span = (whole.end - whole.begin) / 20;
  show(at - span / 2, at + span / 2);
  document.getElementById("timeline").scrollIntoView();
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  let word = "Copied";
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    word = "Selected: press Ctrl+C";
  }
  const before = button.dataset.copy;
  button.textContent = word;
  setTimeout(() => (button.textContent = before), 2500);
}

document.getElementById("key-filter").addEventListener("input", (event) => {
  filter.key = event.target.value;
  redraw();
});
document.getElementById("error-only")?.addEventListener("change", (event) => {
  filter.isErrorOnly = event.target.checked;
  fitRows();
});

onViewChange(drawOverview);
onViewChange(drawBoard);
onViewChange(drawLatency);
onViewChange(drawRate);
onViewChange(sayRange);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readColours();
  redraw();
});
document.documentElement.classList.add("scripted");
readColours();
fitRows();
new ResizeObserver(fitRows).observe(document.body);
if (stretches.length) openAtError();
