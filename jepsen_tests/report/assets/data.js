// What Python embedded, unpacked: one typed array a column, one list of operations a lane.
// Times are nanoseconds since the run began; every text was made by Python and is only ever shown
// as text.

const OK = 0;
const FAIL = 1;
const INFO = 2;
const STATUS_NAMES = ["ok", "fail", "info"];
const READS = new Set(["read", "range", "hash", "status"]);

function sumUp(deltas) {
  const sums = new Float64Array(deltas.length);
  let sum = 0;
  for (let i = 0; i < deltas.length; i++) sums[i] = sum += deltas[i];
  return sums;
}

function unpackOperations(packed, strings, runEnd) {
  const count = packed.status.length;
  const call = sumUp(packed.call);
  const end = new Float64Array(count);
  const status = new Uint8Array(count);
  const reads = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    status[i] = packed.status.charCodeAt(i) - 48;
    end[i] = packed.took[i] < 0 ? runEnd : call[i] + packed.took[i];
    reads[i] = READS.has(strings[packed.function[i]]) ? 1 : 0;
  }
  return { ...packed, count, call, end, status, reads };
}

function byLane(lanes, count) {
  const lists = Array.from({ length: count }, () => []);
  for (let i = 0; i < lanes.length; i++) lists[lanes[i]].push(i);
  return lists;
}

const data = JSON.parse(document.getElementById("run-data").textContent);
const text = (index) => data.strings[index];
const operations = unpackOperations(data.operations, data.strings, data.end);
const clientLanes = byLane(operations.lane, data.clientLanes);
const faultLanes = byLane(data.faults.map((fault) => fault.lane), data.faultLanes.length);
const markLanes = byLane(data.marks.map((mark) => mark.lane), data.markLanes.length);
const watches = { ...data.watches, at: sumUp(data.watches.at) };
const watchLanes = byLane(watches.lane, watches.names.length);
for (const member of data.members) member.commitAt = sumUp(member.commitAt);
const errorOf = new Map(data.errors.map((error) => [error.operation, error]));

// The first index of a sorted array whose value is over `limit`.
function firstAfter(values, limit, low = 0, high = values.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The same over a lane's list of indexes into a column.
function firstInLaneAfter(lane, column, limit) {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[lane[middle]] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

// One line: what it did, and what came of it.
function operationLabel(i) {
  const name = text(operations.function[i]);
  const key = text(operations.key[i]);
  const value = text(operations.value[i]);
  const result = text(operations.result[i]);
  const done = operations.status[i] === OK;
  if (name === "txn") return done && result ? result : value;
  if (operations.reads[i]) return `${name} ${key}${done ? " → " + result : ""}`;
  if (name === "cas") return `${key}: ${value}`;
  return `${name} ${key}${value ? (key ? " = " : "") + value : ""}${result ? " → " + result : ""}`;
}
