"use strict";
(() => {
  const story = JSON.parse(document.getElementById("story").textContent);
  const by = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const hidden = new Set(["probe", "trace"]);
  const rowsBox = by("rows"), lines = by("lines");
  let visible = [], placeOf = new Map(), parts = [], drawn = [], current = 0, isShown = false;

  // Text is only ever set as text.
  function make(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function draw(tag, attributes, className) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.setAttribute("class", className);
    return made;
  }

  function clock(seconds) {
    const whole = Math.floor(seconds), ms = Math.floor((seconds - whole) * 1000);
    const two = (number) => String(number).padStart(2, "0");
    const days = Math.floor(whole / 86400), hours = Math.floor(whole / 3600) % 24;
    const long = days ? `${days}d ${two(hours)}:` : hours ? `${hours}:` : "";
    return `${long}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${String(ms).padStart(3, "0")}`;
  }
  function span(seconds) {
    if (seconds >= 172800) return `${Math.round(seconds / 86400).toLocaleString("en")} d`;
    if (seconds >= 5400) return `${(seconds / 3600).toFixed(1)} h`;
    if (seconds >= 90) return `${Math.round(seconds / 60)} min`;
    if (seconds >= 1) return `${seconds.toFixed(1)} s`;
    return `${Math.round(seconds * 1000)} ms`;
  }

  function hold(records, host, facts, at) {
    if (!records.has(facts.connection)) records.set(facts.connection, new Map());
    records.get(facts.connection).set(`${host} ${facts.role}`, { host, facts, at });
  }

  // How things stand after a row: what all rows up to it changed.
  function standing(until) {
    const power = Object.fromEntries(story.lanes.map((lane) => [lane, lane === "broker" ? "up" : "off"]));
    const clocks = {}, records = new Map();
    for (let at = 0; at <= until; at++) {
      const { power: set, ahead_s: ahead, record, memory } = story.rows[at].changes;
      if (set) power[set[0]] = set[1];
      if (ahead) clocks[ahead[0]] = ahead[1];
      if (record) hold(records, record[0], record[1], at);
      if (memory) {
        for (const sides of records.values()) for (const [place, side] of sides) if (side.host === memory[0]) sides.delete(place);
        for (const facts of memory[1]) hold(records, memory[0], facts, at);
      }
    }
    return { power, clocks, records };
  }

  function layOut() {
    visible = story.rows.map((_, at) => at).filter((at) => !hidden.has(story.rows[at].group));
    placeOf = new Map(visible.map((at, place) => [at, place]));
    const style = getComputedStyle(document.documentElement);
    const root = parseFloat(style.fontSize);
    const gutter = parseFloat(style.getPropertyValue("--gutter")) * root;
    const height = parseFloat(style.getPropertyValue("--row"));
    const width = rowsBox.clientWidth, lane = (width - gutter) / story.lanes.length;
    const x = (name) => gutter + lane * (story.lanes.indexOf(name) + 0.5);
    const y = (at) => placeOf.get(at) * height + height / 2;
    heads(x);

    lines.replaceChildren();
    rowsBox.querySelectorAll(":scope > :not(svg)").forEach((old) => old.remove());
    lines.setAttribute("height", visible.length * height + 2 * root);
    lanes(x, height);
    drawn = [];
    const labels = document.createDocumentFragment();
    for (const arrow of story.arrows) {
      if (!placeOf.has(arrow.from_row) || !placeOf.has(arrow.to_row)) continue;
      drawn.push(...arrowParts(arrow, x, y, lane, labels));
    }
    parts = visible.map((at) => rowParts(at, x, lane));
    rowsBox.append(...parts, labels);
    for (const [at, part] of visible.entries()) parts[at].style.top = `${at * height}px`;
  }

  function heads(x) {
    by("heads").replaceChildren(...story.lanes.map((name) => {
      const head = make("div", name === "broker" ? "head broker" : "head", name === "broker" ? "MQTT" : name);
      if (name !== "broker") head.append(make("small", "", "node"));
      head.style.left = `${x(name)}px`;
      head.dataset.lane = name;
      return head;
    }));
  }

  function lanes(x, height) {
    const powerOff = (state) => state === "off" || state === "down";
    for (const name of story.lanes) {
      let off = name !== "broker", from = 0;
      const segment = (to) => {
        if (to > from) lines.append(draw("line", { x1: x(name), x2: x(name), y1: from, y2: to }, off ? "lane off" : "lane"));
        from = to;
      };
      for (const [at, row] of story.rows.entries()) {
        const set = row.changes.power;
        if (!set || set[0] !== name || powerOff(set[1]) === off) continue;
        const place = placeOf.has(at) ? placeOf.get(at) + 0.5 : visible.findIndex((one) => one > at);
        segment((place < 0 ? visible.length : place) * height);
        off = powerOff(set[1]);
      }
      segment(visible.length * height);
    }
  }

  function arrowParts(arrow, x, y, lane, labels) {
    const middle = (x(arrow.from_lane) + x(arrow.to_lane)) / 2;
    const x1 = arrow.fate === "impostor" ? middle : x(arrow.from_lane), y1 = y(arrow.from_row);
    const isLost = arrow.fate === "lost";
    const x2 = isLost ? middle : x(arrow.to_lane), y2 = y(arrow.to_row);
    const looks = [arrow.is_answer ? "answer" : "", arrow.group === "mqtt" || arrow.group === "trace" ? "mqtt" : "",
      arrow.group === "probe" ? "probe" : "", arrow.fate === "arrives" ? "" : "lost"].join(" ");
    const made = [draw("line", { x1, y1, x2, y2 }, `arrow ${looks}`)];
    const ahead = Math.sign(x2 - x1) || 1, slope = Math.atan2(y2 - y1, x2 - x1);
    if (isLost && arrow.to_row === arrow.from_row || arrow.fate === "refused") {
      const c = 5;
      made.push(draw("path", { d: `M${x2 - c} ${y2 - c}L${x2 + c} ${y2 + c}M${x2 - c} ${y2 + c}L${x2 + c} ${y2 - c}` }, "cross"));
    } else if (!isLost) {
      const tip = (angle) => `${x2 - 9 * Math.cos(slope + angle)} ${y2 - 9 * Math.sin(slope + angle)}`;
      made.push(draw("path", { d: `M${x2} ${y2}L${tip(0.4)}L${tip(-0.4)}Z` }, `tip ${looks}`));
    }
    lines.append(...made);
    if (arrow.text) {
      const label = make("div", `label ${looks}`, arrow.text);
      // In the row where the message leaves, or comes a second time, there is nothing else in the middle.
      const isAgain = arrow.faults.includes("duplicate") && arrow.text.endsWith("a second time");
      const spread = arrow.from_row === arrow.to_row && !isLost ? 0 : Math.sign(x(arrow.to_lane) - x(arrow.from_lane)) * lane * 0.06;
      label.style.left = `${middle + spread}px`;
      label.style.top = `${isAgain ? y2 : y1}px`;
      label.style.maxWidth = `${Math.max(Math.abs(x(arrow.to_lane) - x(arrow.from_lane)) - 28, lane * 1.5 - 24)}px`;
      labels.append(label);
      made.push(label);
    }
    made.from = arrow.from_row;
    made.forEach((one) => { one.from = arrow.from_row; });
    return made;
  }

  const SILENT = new Set(["receives", "is-told", "published"]);
  const ENDS = /^(request-lost|answer-lost|cut)/;
  const DOTS = { asks: "dot", answers: "dot tell" };

  function rowParts(at, x, lane) {
    const row = story.rows[at];
    const part = make("div", `row ${row.mark}`);
    part.setAttribute("role", "option");
    part.append(make("span", "said", `${clock(row.at_s)} ${row.lane ?? ""} ${row.text}`));
    part.dataset.at = at;
    const before = visible[placeOf.get(at) - 1];
    const passed = before === undefined ? Infinity : row.at_s - story.rows[before].at_s;
    if (passed > 0.0005) {
      const isCut = lane < 120 && row.at_s >= 3600; // a narrow page has no room for hours and milliseconds
      const time = make("div", "time", isCut ? clock(row.at_s).replace(/\.\d+$/, "") : clock(row.at_s));
      time.setAttribute("aria-hidden", "true");
      time.title = passed < Infinity ? `${span(passed)} later` : "";
      part.append(time);
    }
    if (row.lane === null) {
      const band = make("div", "band");
      band.setAttribute("aria-hidden", "true");
      band.append(make("span", "", row.text));
      band.title = row.text;
      part.append(band);
      return part;
    }
    if (SILENT.has(row.mark)) return part;
    const dot = DOTS[row.mark];
    const note = make("div", `note ${dot ?? row.mark}`, dot ? undefined : ENDS.test(row.text) ? `✕ ${row.text}` : row.text);
    note.title = row.text;
    note.setAttribute("aria-hidden", "true");
    const at_x = row.to_lane ? (x(row.lane) + x(row.to_lane)) / 2 : x(row.lane);
    note.style.left = `${at_x}px`;
    if (!dot) placeNote(note, row, lane);
    part.append(note);
    return part;
  }

  // Where lanes are narrow a note may be wider than its lane: it is alone in its row.
  function placeNote(note, row, lane) {
    if (lane > 170 || row.to_lane) {
      note.style.maxWidth = `${Math.max(lane - 8, 90)}px`;
      return;
    }
    const number = story.lanes.indexOf(row.lane);
    note.style.maxWidth = `${lane * 1.8}px`;
    const end = number === 0 ? "start" : number === story.lanes.length - 1 ? "end" : "";
    if (end) {
      note.classList.add(end);
      note.style.left = end === "start" ? "calc(var(--gutter) + 2px)" : "auto";
    }
  }

  // Stepping

  function go(place, { scrolls = true } = {}) {
    place = Math.max(0, Math.min(visible.length - 1, place));
    const old = parts[placeOf.get(current)];
    if (old) old.removeAttribute("aria-selected");
    current = visible[place];
    parts.forEach((part) => part.classList.toggle("later", Number(part.dataset.at) > current));
    drawn.forEach((one) => one.classList.toggle("later", one.from > current));
    const part = parts[place];
    part.setAttribute("aria-selected", "true");
    by("place").value = place;
    by("count").textContent = `${place + 1} of ${visible.length}`;
    by("first").disabled = by("back").disabled = place === 0;
    by("last").disabled = by("on").disabled = place === visible.length - 1;
    tellNow();
    if (scrolls) show(part);
    try { history.replaceState(null, "", `#step=${current}`); } catch { /* a page may be shown where none is kept */ }
  }

  function show(part) {
    const top = part.offsetTop, room = rowsBox.clientHeight;
    if (top > rowsBox.scrollTop + room * 0.15 && top < rowsBox.scrollTop + room * 0.75) return;
    const to = top - room * 0.45, isFar = Math.abs(to - rowsBox.scrollTop) > room;
    rowsBox.scrollTo({ top: to, behavior: isFar || !isShown ? "instant" : "auto" });
  }

  function tellNow() {
    const row = story.rows[current], now = by("now");
    now.replaceChildren();
    const where = row.lane === null ? "" : row.to_lane ? `${row.lane} → ${row.to_lane}: ` : `${row.lane}: `;
    now.append(make("p", "when", `${clock(row.at_s)} after the beginning`), make("h2", "", where + row.text));
    const facts = Object.entries(row.facts).filter(([, value]) => value !== null && value !== "");
    if (facts.length) {
      const list = make("dl");
      for (const [name, value] of facts) {
        const shown = value === true ? "yes" : value === false ? "no" : typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : value;
        list.append(make("dt", "", name), make("dd", "", String(shown)));
      }
      now.append(list);
    }
    tellStates(standing(current));
  }

  function tellStates({ power, clocks, records }) {
    const states = by("states");
    states.replaceChildren();
    const line = make("div", "power");
    for (const [name, state] of Object.entries(power)) {
      const ahead = clocks[name] ? `, clock ${clocks[name] > 0 ? "+" : "−"}${span(Math.abs(clocks[name]))}` : "";
      line.append(make("span", state, `${name === "broker" ? "MQTT" : name} ${state}${ahead}`));
    }
    states.append(line);
    document.querySelectorAll(".head").forEach((head) => {
      head.classList.toggle("off", power[head.dataset.lane] === "off" || power[head.dataset.lane] === "down");
    });
    if (!records.size) states.append(make("p", "none", "No node holds a connection yet."));
    for (const [connection, sides] of records) {
      const box = make("div", "connection"), grid = make("div", "sides");
      const ordered = [...sides.values()].sort((one, other) =>
        (one.facts.role === "source" ? 0 : 1) - (other.facts.role === "source" ? 0 : 1) || one.host.localeCompare(other.host));
      for (const { host, facts, at } of ordered) grid.append(side(host, facts, at === current));
      box.append(make("h3", "", `connection ${connection}`), grid);
      states.append(box);
    }
  }

  function side(host, facts, isNew) {
    const cell = make("div", isNew ? "changed" : "");
    cell.append(make("div", "who", `${host}, ${facts.role}`));
    if (facts.gone) {
      cell.append(make("div", "phase closed", "gone"));
      return cell;
    }
    const [phase, revision, on] = facts.mine.split(" ");
    cell.append(make("div", `phase ${phase}`, phase + (facts.reason ? `: ${facts.reason}` : "")));
    cell.append(make("div", "", `revision ${revision}${on ? ", switched on" : ""}`));
    cell.append(make("div", "who", facts.theirs ? `holds of the other: ${facts.theirs}` : "holds nothing of the other"));
    if (facts.owed) cell.append(make("div", "owed", "owes its statement"));
    return cell;
  }

  // The head, the lists, the keys

  const isBroken = story.violation !== null;
  document.querySelector("h1").textContent = `The world of seed ${story.seed}`;
  by("verdict").textContent = isBroken ? "a property was broken" : "no property was broken";
  by("verdict").classList.toggle("broken", isBroken);
  by("violation").hidden = by("broken").hidden = !isBroken;
  by("violation").textContent = story.violation ?? "";
  by("facts").textContent = `${story.lanes.length - 1} nodes, ${span(story.virtual_s)} of virtual time, ` +
    `${story.faults.length} ${story.faults.length === 1 ? "fault" : "faults"} struck, mended after ${span(story.mended_s)}, trace ${story.digest}.`;
  by("command").textContent = story.command;

  function reveal(at) {
    if (hidden.delete(story.rows[at].group)) {
      document.querySelector(`#filters input[value="${story.rows[at].group}"]`).checked = true;
      redraw(at);
    }
    go(placeOf.get(at));
  }
  function redraw(at) {
    layOut();
    by("place").max = visible.length - 1;
    const place = visible.findIndex((one) => one >= at);
    current = visible[0];
    go(place < 0 ? visible.length - 1 : place);
  }

  by("struck").querySelector("summary").textContent =
    story.faults.length ? `Faults that struck: ${story.faults.length}` : "No fault struck";
  by("struck").open = isBroken && story.faults.length > 0 && story.faults.length <= 12;
  for (const fault of story.faults) {
    const item = make("li");
    const name = make(fault.row === null ? "span" : "button", "", fault.name);
    if (fault.row !== null) name.addEventListener("click", () => reveal(fault.row));
    item.append(name, make("small", "", fault.meaning));
    by("struck").querySelector("ol").append(item);
  }

  for (const [group, meaning] of Object.entries(story.groups)) {
    const label = make("label"), box = make("input");
    box.type = "checkbox";
    box.value = group;
    box.checked = !hidden.has(group);
    box.disabled = group === "world";
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(group); else hidden.add(group);
      redraw(current);
    });
    const count = story.rows.filter((row) => row.group === group).length;
    label.append(box, make("span", "", `${meaning} (${count})`));
    by("filters").querySelector("div").append(label);
  }

  const step = (by_) => go(placeOf.get(current) + by_);
  function nextFault() {
    const rows = [...story.rows.keys()].filter((at) => ["fault", "crash", "down", "clock", "no-commit"].includes(story.rows[at].mark));
    const next = rows.find((at) => at > current) ?? rows[0];
    if (next !== undefined) reveal(next);
  }
  by("first").addEventListener("click", () => go(0));
  by("back").addEventListener("click", () => step(-1));
  by("on").addEventListener("click", () => step(1));
  by("last").addEventListener("click", () => go(visible.length - 1));
  by("fault").addEventListener("click", nextFault);
  by("broken").addEventListener("click", () => reveal(story.rows.length - 1));
  by("place").addEventListener("input", (event) => go(Number(event.target.value)));
  rowsBox.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) go(placeOf.get(Number(row.dataset.at)), { scrolls: false });
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=checkbox]")) return;
    const page = Math.max(1, Math.floor(rowsBox.clientHeight / 30));
    const keys = {
      ArrowRight: () => step(1), ArrowDown: () => step(1), ArrowLeft: () => step(-1), ArrowUp: () => step(-1),
      PageDown: () => step(page), PageUp: () => step(-page), Home: () => go(0), End: () => go(visible.length - 1),
      f: nextFault, F: nextFault, v: () => isBroken && reveal(story.rows.length - 1), V: () => isBroken && reveal(story.rows.length - 1),
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  let width = 0;
  new ResizeObserver(() => {
    if (rowsBox.clientWidth !== width) { width = rowsBox.clientWidth; redraw(current); } else show(parts[placeOf.get(current)]);
  }).observe(rowsBox);

  width = rowsBox.clientWidth;
  layOut();
  by("place").max = visible.length - 1;
  const named = /^#step=(\d+)$/.exec(location.hash);
  const start = named && story.rows[Number(named[1])] ? Number(named[1]) : isBroken ? story.rows.length - 1 : visible[0];
  current = visible[0];
  reveal(start ?? 0);
  isShown = true;
})();
