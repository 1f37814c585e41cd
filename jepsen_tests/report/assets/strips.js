// The other rows: faults, marks, members and watches.

function bar(paint, scale, begin, end, top, height, radius) {
  const left = Math.max(scale.x(begin), scale.left);
  const right = Math.min(scale.x(end), scale.width);
  if (right < scale.left || left > scale.width) return null;
  const width = Math.max(right - left, 2);
  paint.beginPath();
  paint.roundRect(left, top, width, height, radius);
  return { left, width };
}

function drawFaultRow(paint, row, scale) {
  const lane = faultLanes[row.lane];
  lane.forEach((which, k) => {
    const fault = data.faults[which];
    const drawn = bar(paint, scale, fault.begin, fault.end, row.top + 2, row.height - 4, 3);
    if (!drawn) return;
    paint.fillStyle = colours["fault-band"];
    paint.fill();
    paint.strokeStyle = colours.fault;
    paint.lineWidth = 1.25;
    paint.stroke();
    paint.fillStyle = colours.ink;
    paint.font = `600 11px ${SANS}`;
    const words = fault.targets ? `${fault.name}: ${fault.targets}` : fault.name;
    const middle = row.top + row.height / 2;
    const inside = fitted(paint, words, drawn.width - 10);
    if (inside === words) {
      paint.fillText(words, drawn.left + 6, middle);
      return;
    }
    // Beside it, where there is more room than in it.
    const right = drawn.left + drawn.width + 5;
    const next = k + 1 < lane.length ? scale.x(data.faults[lane[k + 1]].begin) : Infinity;
    const room = Math.min(next, scale.width) - right - 4;
    if (room > drawn.width) paint.fillText(fitted(paint, words, room), right, middle);
    else paint.fillText(inside, drawn.left + 6, middle);
  });
}

// Over everything that was going on meanwhile. Faults that overlap make a darker band.
function drawFaultBands(paint, scale, top, height) {
  paint.fillStyle = colours["fault-band"];
  paint.strokeStyle = colours.fault;
  for (const fault of data.faults) {
    const left = Math.max(scale.x(fault.begin), scale.left);
    const right = Math.min(scale.x(fault.end), scale.width);
    if (right < scale.left || left > scale.width) continue;
    paint.fillRect(left, top, Math.max(right - left, 1), height);
    paint.globalAlpha = 0.35;
    paint.lineWidth = 1;
    for (const edge of [scale.x(fault.begin), scale.x(fault.end)]) {
      if (edge < scale.left || edge > scale.width) continue;
      paint.beginPath();
      paint.moveTo(Math.round(edge) + 0.5, top);
      paint.lineTo(Math.round(edge) + 0.5, top + height);
      paint.stroke();
    }
    paint.globalAlpha = 1;
  }
}

function drawMarkRow(paint, row, scale) {
  const lane = markLanes[row.lane];
  for (let k = 0; k < lane.length; k++) {
    const mark = data.marks[lane[k]];
    const x = scale.x(mark.at);
    if (x < scale.left - 6 || x > scale.width + 6) continue;
    const middle = row.top + row.height / 2;
    paint.fillStyle = colours.fault;
    paint.beginPath();
    paint.moveTo(x, middle - 6);
    paint.lineTo(x + 6, middle);
    paint.lineTo(x, middle + 6);
    paint.lineTo(x - 6, middle);
    paint.fill();
    paint.font = `11px ${SANS}`;
    const next = k + 1 < lane.length ? scale.x(data.marks[lane[k + 1]].at) - 8 : scale.width;
    paint.fillStyle = colours["ink-soft"];
    paint.fillText(fitted(paint, mark.name, Math.min(next, scale.width) - x - 12), x + 10, middle);
  }
}

const ROLES = {
  leader: ["leader", "leader-ink"],
  follower: ["follower", "follower-ink"],
  learner: ["follower", "follower-ink"],
};

function drawMemberRow(paint, row, scale) {
  const member = data.members[row.lane];
  const height = row.height - 17;
  let isFirst = true;
  for (const [begin, end, role, term, leader] of member.strips) {
    const drawn = bar(paint, scale, begin, end, row.top + 2, height, 2);
    if (!drawn) continue;
    const [fill, ink] = ROLES[role] ?? ["", "ink"];
    paint.fillStyle = fill ? colours[fill] : patterns[/candidate/.test(role) ? "candidate" : "down"];
    paint.fill();
    paint.fillStyle = colours[ink];
    paint.font = `${role === "leader" ? 600 : 400} 11px ${SANS}`;
    const follows = leader && role !== "leader" ? ` of ${leader}` : "";
    const words = fitted(paint, `${role}${follows} · term ${term}`, drawn.width - 8);
    if (!fill && words) {
      paint.fillStyle = colours.panel;
      paint.fillRect(drawn.left + 3, row.top + 5, paint.measureText(words).width + 6, height - 6);
      paint.fillStyle = colours.ink;
    }
    paint.fillText(words, drawn.left + 6, row.top + 2 + height / 2);
    if (!isFirst && drawn.width > 3) {
      paint.fillStyle = colours.panel;
      paint.fillRect(drawn.left, row.top + 2, 1, height);
    }
    isFirst = false;
  }
  drawCommit(paint, member, scale, row.top + row.height - 13, 10);
}

// The commit index against the range that all members have in sight: who lags lies lower.
function drawCommit(paint, member, scale, top, height) {
  const { least, most } = commitRange();
  if (!member.commit.length || most <= least) return;
  const y = (commit) => top + height - ((commit - least) / (most - least)) * height;
  const from = Math.max(firstAfter(member.commitAt, view.begin) - 1, 0);
  const until = Math.min(firstAfter(member.commitAt, view.end) + 1, member.commit.length);
  paint.save();
  paint.beginPath();
  paint.rect(scale.left, top - 2, scale.width - scale.left, height + 4);
  paint.clip();
  paint.strokeStyle = colours.commit;
  paint.lineWidth = 1.5;
  paint.beginPath();
  let last = -Infinity;
  for (let i = from; i < until; i++) {
    const x = scale.x(member.commitAt[i]);
    if (x - last < 0.5 && i + 1 < until) continue;
    if (last === -Infinity) paint.moveTo(x, y(member.commit[i]));
    else paint.lineTo(x, y(member.commit[i]));
    last = x;
  }
  paint.stroke();
  paint.restore();
}

function commitRange() {
  let least = Infinity;
  let most = -Infinity;
  for (const member of data.members) {
    if (!member.commit.length) continue;
    const from = Math.max(firstAfter(member.commitAt, view.begin) - 1, 0);
    const until = Math.max(firstAfter(member.commitAt, view.end) - 1, from);
    least = Math.min(least, member.commit[from]);
    most = Math.max(most, member.commit[until]);
  }
  return { least, most };
}

// E: events, C: created, X: cancelled, P: progress only. Each has its own shape.
function drawWatchRow(paint, row, scale) {
  const lane = watchLanes[row.lane];
  const middle = row.top + row.height / 2;
  paint.strokeStyle = colours["line"];
  paint.lineWidth = 1;
  paint.beginPath();
  paint.moveTo(scale.left, middle + 0.5);
  paint.lineTo(scale.width, middle + 0.5);
  paint.stroke();
  let last = -Infinity;
  for (let k = firstInLaneAfter(lane, watches.at, view.begin); k < lane.length; k++) {
    const i = lane[k];
    const x = scale.x(watches.at[i]);
    if (x > scale.width) break;
    const kind = watches.kind[i];
    if (kind === "E" && x - last < 1) continue;
    drawResponse(paint, kind, x, middle);
    last = x;
  }
}

function drawResponse(paint, kind, x, middle) {
  paint.strokeStyle = paint.fillStyle = kind === "X" ? colours.error : colours.watch;
  paint.lineWidth = 1.75;
  paint.beginPath();
  if (kind === "E") {
    paint.fillRect(x - 1, middle - 7, 2, 14);
  } else if (kind === "C") {
    paint.arc(x, middle, 4, 0, 7);
    paint.stroke();
  } else if (kind === "X") {
    paint.moveTo(x - 5, middle - 5);
    paint.lineTo(x + 5, middle + 5);
    paint.moveTo(x + 5, middle - 5);
    paint.lineTo(x - 5, middle + 5);
    paint.stroke();
  } else {
    paint.arc(x, middle, 1.75, 0, 7);
    paint.fill();
  }
}
