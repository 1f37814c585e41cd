// The rows of the timeline from top to bottom: faults, marks, members, watches, clients.

const HEADING = 24;
const FADED = 0.15;
const HEIGHTS = { fault: 22, mark: 22, member: 38, watch: 22, client: 24 };
const filter = { key: "", isErrorOnly: false };
let rows = [];
let rowsHeight = 0;

function layOut() {
  rows = [];
  let top = 0;
  const add = (kind, name, lane) => {
    const height = kind === "heading" ? HEADING : HEIGHTS[kind];
    rows.push({ kind, name, lane, top, height });
    top += height;
  };
  const group = (heading, kind, names, isShown = () => true) => {
    const shown = names.map((name, lane) => [name, lane]).filter(([, lane]) => isShown(lane));
    if (!shown.length) return;
    const counted = shown.length < names.length ? ` (${shown.length} of ${names.length})` : "";
    add("heading", heading + counted);
    for (const [name, lane] of shown) add(kind, name, lane);
  };
  group("Faults", "fault", data.faultLanes);
  group("Events", "mark", data.markLanes);
  group("Members", "member", data.members.map((member) => member.name));
  group("Watches", "watch", watches.names);
  group("Clients", "client", clientLanes.map(() => ""), (lane) => isClientShown(lane));
  rowsHeight = top + 6;
}

// Clients that follow each other share a lane, so its name is that of whom it shows.
function clientName(lane) {
  const list = clientLanes[lane];
  const from = Math.min(Math.max(firstInLaneAfter(list, operations.call, view.begin) - 1, 0), list.length - 1);
  const until = Math.max(firstInLaneAfter(list, operations.call, view.end) - 1, from);
  const isOver = operations.end[list[from]] < view.begin && from < until;
  const first = operations.process[list[isOver ? from + 1 : from]];
  const last = operations.process[list[until]];
  return first === last ? `client ${first}` : `client ${first}…${last}`;
}

function isClientShown(lane) {
  return !filter.isErrorOnly || data.errors.some((error) => operations.lane[error.operation] === lane);
}

function isFaded(operation) {
  return filter.key !== "" && !text(operations.key[operation]).includes(filter.key)
    && !(text(operations.function[operation]) === "txn"
      && text(operations.value[operation]).includes(filter.key));
}

function rowAt(y) {
  return rows.find((row) => y >= row.top && y < row.top + row.height && row.kind !== "heading");
}

function rowOf(kind, lane) {
  return rows.find((row) => row.kind === kind && row.lane === lane);
}
