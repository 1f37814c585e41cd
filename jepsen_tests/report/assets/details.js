// What is under the pointer or selected, in words. Everything is set as text, never as HTML.

const detailsBox = document.getElementById("details");
const tip = document.getElementById("tip");
let selected = null;

function operationWords(i) {
  const error = errorOf.get(i);
  const rest = [
    `client ${operations.process[i]}`,
    statusWords(i),
    `called at ${momentText(operations.call[i])}`,
  ];
  const add = (name, index) => text(index) && rest.push(`${name}: ${text(index)}`);
  add("key", operations.key[i]);
  add("value", operations.value[i]);
  add("result", operations.result[i]);
  if (operations.revision[i]) rest.push(`revision ${operations.revision[i]}`);
  add("answered by", operations.member[i]);
  add("error", operations.error[i]);
  if (error) rest.push(`number ${error.label} of the counterexample`);
  return { title: operationLabel(i), rest };
}

function statusWords(i) {
  const took = operations.took[i] < 0 ? "" : ` after ${durationText(operations.took[i])}`;
  return [
    `ok${took}`,
    `fail${took}: it certainly did not happen`,
    `info${took ? ": given up" + took : ": never answered"}; it may have happened`,
  ][operations.status[i]];
}

function faultWords(fault) {
  const until = fault.isOpen ? "to the end of the run" : `for ${durationText(fault.end - fault.begin)}`;
  return {
    title: fault.name,
    rest: [fault.targets && `on ${fault.targets}`, `from ${momentText(fault.begin)} ${until}`, fault.detail]
      .filter(Boolean),
  };
}

function memberWords(member, at) {
  const strip = member.strips.find(([begin, end]) => at >= begin && at < end);
  const commit = member.commit[firstAfter(member.commitAt, at) - 1];
  if (!strip) return null;
  const [, , role, term, leader] = strip;
  return {
    title: `${member.name}: ${role} in term ${term}`,
    rest: [leader && `leader: ${leader}`, commit !== undefined && `commit index ${commit}`,
      `at ${momentText(at)}`].filter(Boolean),
  };
}

const KINDS = { E: "events", C: "created", X: "cancelled", P: "progress" };

function watchWords(i) {
  const rest = [`${KINDS[watches.kind[i]]} at ${momentText(watches.at[i])}`];
  if (watches.revision[i]) rest.push(`revision ${watches.revision[i]}`);
  if (text(watches.member[i])) rest.push(`from ${text(watches.member[i])}`);
  if (text(watches.words[i])) rest.push(text(watches.words[i]));
  return { title: watches.names[watches.lane[i]], rest };
}

// What lies at a point of the rows: { title, rest, operation? } or null.
function wordsAt(x, y, scale) {
  const row = rowAt(y);
  if (!row || x < scale.left) return null;
  const at = scale.at(x);
  const slack = scale.perPixel * 4;
  switch (row.kind) {
    case "fault": {
      const fault = data.faults.find((one) =>
        one.lane === row.lane && at >= one.begin - slack && at <= one.end + slack);
      return fault ? faultWords(fault) : null;
    }
    case "mark": {
      const mark = data.marks.find((one) => one.lane === row.lane && Math.abs(one.at - at) < slack * 2);
      return mark ? { title: mark.name, rest: [`at ${momentText(mark.at)}`, mark.words].filter(Boolean) } : null;
    }
    case "member":
      return memberWords(data.members[row.lane], at);
    case "watch": {
      const i = nearestResponse(watchLanes[row.lane], at, slack);
      return i === null ? null : watchWords(i);
    }
    default: {
      const i = operationAt(clientLanes[row.lane], at, slack);
      return i === null ? null : { ...operationWords(i), operation: i };
    }
  }
}

function nearestResponse(lane, at, slack) {
  const k = firstInLaneAfter(lane, watches.at, at);
  const near = [lane[k - 1], lane[k]].filter((i) => i !== undefined && Math.abs(watches.at[i] - at) <= slack * 2);
  near.sort((a, b) => Math.abs(watches.at[a] - at) - Math.abs(watches.at[b] - at));
  return near.length ? near[0] : null;
}

function operationAt(lane, at, slack) {
  const k = firstInLaneAfter(lane, operations.call, at);
  const before = lane[k - 1];
  if (before !== undefined && operations.end[before] >= at - slack) return before;
  const after = lane[k];
  return after !== undefined && operations.call[after] <= at + slack ? after : null;
}

function fill(box, words) {
  const title = document.createElement("strong");
  title.textContent = words.title;
  const rest = document.createElement("div");
  rest.className = "rest";
  for (const line of words.rest) {
    const span = document.createElement("span");
    span.textContent = line;
    rest.append(span, " ");
  }
  box.replaceChildren(title, rest);
}

function showTip(words, clientX, clientY) {
  tip.hidden = !words;
  if (!words) return;
  fill(tip, words);
  const box = tip.getBoundingClientRect();
  const left = clientX + 16 + box.width > window.innerWidth ? clientX - 16 - box.width : clientX + 16;
  const top = clientY + 16 + box.height > window.innerHeight ? clientY - 12 - box.height : clientY + 16;
  tip.style.left = `${Math.max(left, 4)}px`;
  tip.style.top = `${Math.max(top, 4)}px`;
}

function select(i) {
  selected = i;
  if (i === null) detailsBox.textContent = detailsBox.dataset.empty;
  else fill(detailsBox, operationWords(i));
  redraw();
}

// Scrolls the rows and moves the view so that an operation can be seen.
function bringIntoSight(i) {
  const row = rowOf("client", operations.lane[i]);
  if (row) {
    const isHidden = row.top < rowsBox.scrollTop || row.top + row.height > rowsBox.scrollTop + rowsBox.clientHeight;
    if (isHidden) rowsBox.scrollTop = row.top - rowsBox.clientHeight / 2;
  }
  if (operations.call[i] < view.begin || operations.call[i] > view.end) {
    const half = (view.end - view.begin) / 2;
    show(operations.call[i] - half, operations.call[i] + half);
  }
}
