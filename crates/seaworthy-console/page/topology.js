// @ts-check
// Who calls whom: a graph where there is room for it, and a table that says the same.

import { byId, bytes, clock, counted, fixed, h, keyed, millis, percent, rate, s, setAttr, setText, span } from "./dom.js";

/** @typedef {import("./run.js").Run} Run */

const NODE_HEIGHT = 82;
const ROW = 94;
const COLUMN = { load: 0, clients: 0, address: 1, replica: 2, database: 3 };
const CLOSED = "M4 7V5a4 4 0 0 1 8 0v2h1v7H3V7zm2 0h4V5a2 2 0 0 0-4 0z";
const OPEN = "M4 7V4a3.5 3.5 0 0 1 6.9-.8l-1.8.6A1.7 1.7 0 0 0 6 4v3h7v7H3V7z";
const SAYS = { mtls: "mTLS", tls: "TLS, server only", plaintext: "plaintext", "in-process": "in process", unknown: "not known" };

/** The edge whose details are shown. @type {string | null} */
let shown = null;
let width = 0;
let layout = "";

/** @param {any} edge */
const keyOf = (edge) => `${edge.from}>${edge.to}`;
/** @param {any} edge */
const failures = (edge) => Object.values(edge.failures_per_s).reduce((/** @type {number} */ sum, /** @type {any} */ n) => sum + n, 0);
/** @param {any} edge */
const tone = (edge) => ({ mtls: "good", tls: "warn", plaintext: "bad", "in-process": "muted", unknown: "warn" })[/** @type {string} */ (edge.security.is)] ?? "muted";

/** @param {Run} run */
export function drawTopology(run) {
  const rank = (/** @type {any} */ node) => (COLUMN[/** @type {keyof typeof COLUMN} */ (node?.kind)] ?? 1) * 1e6 + (node?.replica ?? 0);
  const nodes = [...run.now.nodes].sort((a, b) => rank(a) - rank(b));
  const order = new Map(nodes.map((node, index) => [node.id, index]));
  const edges = [...run.now.edges].sort((a, b) => (order.get(a.from) ?? 0) - (order.get(b.from) ?? 0) || (order.get(a.to) ?? 0) - (order.get(b.to) ?? 0));
  const labels = new Map(nodes.map((node) => [node.id, node.label]));
  const graph = byId("graph");
  if (graph.clientWidth > 0) drawGraph(graph, nodes, edges, labels);
  drawTable(edges, labels);
  drawDetails(run, edges, labels);
}

/** @param {HTMLElement} graph @param {any[]} nodes @param {any[]} edges @param {Map<string, string>} labels */
function drawGraph(graph, nodes, edges, labels) {
  if (!graph.firstElementChild) graph.append(s("svg", { "aria-hidden": true, focusable: false }), h("div", { class: "nodes" }), h("div", { class: "chips" }));
  const [lines, boxes, chips] = /** @type {any[]} */ ([...graph.children]);
  const wanted = `${graph.clientWidth}|${nodes.map((node) => node.id)}|${edges.map(keyOf)}`;
  const moved = wanted !== layout;
  const places = moved ? arranged(graph, nodes) : null;
  keyed(boxes, nodes, (node) => node.id, makeNode, (box, node) => {
    updateNode(box, node);
    const place = places?.get(node.id);
    if (place) Object.assign(box.style, { left: `${place.x}px`, top: `${place.y}px`, width: `${width}px`, height: `${NODE_HEIGHT}px` });
  });
  keyed(chips, edges, keyOf, makeChip, (chip, edge) => {
    updateChip(chip, edge, labels);
    if (places) moveChip(chip, edge, places);
  });
  if (places) {
    keyed(lines, edges, keyOf, () => s("path", {}), (line, edge) => setAttr(line, "d", path(edge, places)));
    layout = wanted;
  }
  edges.forEach((edge, index) => setAttr(lines.children[index], "class", `line ${failures(edge) > 0 ? "failing" : tone(edge)}`));
}

/** Where each node is. @param {HTMLElement} graph @param {any[]} nodes */
function arranged(graph, nodes) {
  /** @type {any[][]} */
  const columns = [[], [], [], []];
  for (const node of nodes) columns[COLUMN[/** @type {keyof typeof COLUMN} */ (node.kind)] ?? 1].push(node);
  const used = columns.filter((column) => column.length > 0);
  const room = graph.clientWidth;
  width = Math.round(Math.min(180, Math.max(118, room * 0.155)));
  const step = used.length > 1 ? (room - width) / (used.length - 1) : 0;
  const rows = Math.max(...used.map((column) => column.length));
  graph.style.height = `${rows * ROW}px`;
  const places = new Map();
  used.forEach((column, x) => column.forEach((node, y) => {
    const top = ((rows - column.length) * ROW) / 2 + y * ROW + (ROW - NODE_HEIGHT) / 2;
    places.set(node.id, { x: Math.round(x * step), y: Math.round(top), column: x, alone: column.length === 1 });
  }));
  return places;
}

/** The ends of an edge, and the height at which its figures are: that of the end that has others beside it. @param {any} edge @param {Map<string, any>} places */
function ends(edge, places) {
  const [from, to] = [places.get(edge.from), places.get(edge.to)];
  if (!from || !to) return null;
  const middle = NODE_HEIGHT / 2;
  const [x1, y1, x2, y2] = [from.x + width, from.y + middle, to.x, to.y + middle];
  return { x1, y1, x2, y2, late: from.alone || !to.alone };
}

/** @param {any} edge @param {Map<string, any>} places */
function path(edge, places) {
  const at = ends(edge, places);
  if (!at) return "";
  const { x1, y1, x2, y2, late } = at;
  const bend = Math.min(36, (x2 - x1) * 0.32);
  const tip = `M${x2 - 6} ${y2 - 4}L${x2 - 1} ${y2}L${x2 - 6} ${y2 + 4}`;
  const curve = late
    ? `M${x1} ${y1}C${x1 + bend * 0.8} ${y1} ${x1 + bend * 0.2} ${y2} ${x1 + bend} ${y2}L${x2 - 1} ${y2}`
    : `M${x1} ${y1}L${x2 - bend} ${y1}C${x2 - bend * 0.2} ${y1} ${x2 - bend * 0.8} ${y2} ${x2 - 1} ${y2}`;
  return curve + tip;
}

/** @param {HTMLElement} chip @param {any} edge @param {Map<string, any>} places */
function moveChip(chip, edge, places) {
  const at = ends(edge, places);
  if (!at) return;
  const shift = at.y1 === at.y2 ? 0 : (at.x2 - at.x1) * 0.05;
  chip.style.left = `${Math.round((at.x1 + at.x2) / 2 + (at.late ? shift : -shift) - 3)}px`;
  chip.style.top = `${Math.round(at.late ? at.y2 : at.y1)}px`;
  chip.style.width = `${Math.min(96, Math.round(at.x2 - at.x1) + 4)}px`;
}

/** @param {any} _node */
const makeNode = (_node) => h("div", { class: "node" }, h("b"), h("span", {}, h("span", { class: "phase" }), h("span", { class: "small" })), h("span", { class: "small" }), h("span", { class: "small" }));

/** @param {HTMLElement} box @param {any} node */
function updateNode(box, node) {
  const [name, first, second, third] = box.children;
  const state = node.kind === "replica" ? node.phase : node.kind === "database" ? (node.up ? "up" : "down") : "";
  const { in_flight, cpu_cores, memory_bytes, connections } = node.figures;
  const known = (/** @type {any} */ value, /** @type {string} */ text) => (value === null || value === undefined || value === "" ? "" : text);
  const words = (/** @type {string[]} */ ...texts) => texts.filter(Boolean).join(" · ");
  const uses = words(known(in_flight, `${in_flight} in flight`), known(cpu_cores, `${percent(cpu_cores)} CPU`));
  const has = words(known(memory_bytes, bytes(memory_bytes)), node.kind === "replica" ? "" : known(connections, `${connections} conn.`), node.restarts > 0 ? counted(node.restarts, "restart") : "");
  const where = node.kind === "replica" ? words(`rev ${node.revision}`, known(node.port, `:${node.port}`)) : words(node.product === node.label ? "" : node.product ?? "", node.place ?? "");
  setAttr(box, "class", `node ${node.kind} is-${state || "there"}`);
  setText(name, node.label);
  setText(/** @type {Element} */ (first.firstElementChild), state);
  setText(/** @type {Element} */ (first.lastElementChild), (state && where ? " · " : "") + where);
  setText(second, uses || has);
  setText(third, uses ? has : "");
  setAttr(box, "title", words(node.label, state, where, known(node.pid, `pid ${node.pid}`), uses, has));
}

/** @param {any} edge */
function lock(edge) {
  const is = edge.security.is;
  if (is === "in-process" || is === "unknown") return "";
  return is === "plaintext" ? OPEN : CLOSED;
}

const sign = () => s("svg", { class: "lock", viewBox: "0 0 16 16", width: 12, height: 12, "aria-hidden": true, focusable: false }, s("path", {}));

/** @param {any} edge */
const makeChip = (edge) => h("button", { type: "button", class: "chip", "aria-expanded": false, "aria-controls": "details", click: () => toggle(keyOf(edge)) },
  h("span", { class: "for-readers" }), h("span", { class: "numbers" }), h("span", { class: "numbers small" }), h("span", { class: "sign" }, sign(), h("span")));

/** @param {HTMLElement} chip @param {any} edge @param {Map<string, string>} labels */
function updateChip(chip, edge, labels) {
  // Readers get what is seen, and before it whose it is.
  const [who, first, second, third] = chip.children;
  setText(who, `${labels.get(edge.from)} to ${labels.get(edge.to)}: `);
  const failed = failures(edge);
  setText(first, edge.requests_per_s === null ? "not counted" : failed > 0 ? `${rate(edge.requests_per_s)} ✕ ${fixed(failed)}` : rate(edge.requests_per_s));
  setText(second, edge.p99_ms === null ? "p99 –" : `p99 ${millis(edge.p99_ms)}`);
  setText(third.lastElementChild ?? third, SAYS[/** @type {keyof typeof SAYS} */ (edge.security.is)]);
  setAttr(/** @type {Element} */ (third.querySelector("path")), "d", lock(edge));
  setAttr(third, "class", `sign ${tone(edge)} ${lock(edge) ? "" : "without"}`);
  setAttr(chip, "class", failed > 0 ? "chip failing" : "chip");
  setAttr(chip, "aria-expanded", String(shown === keyOf(edge)));
}

/** @param {any[]} edges @param {Map<string, string>} labels */
function drawTable(edges, labels) {
  const box = byId("table");
  if (!box.firstElementChild) {
    const heads = ["Who calls whom", "Calls/s", "Failed/s", "p50/p99 ms", "Security"];
    box.append(h("table", { class: "calls" }, h("caption", { class: "for-readers" }, "Who calls whom, in the last second"),
      h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))), h("tbody")));
  }
  keyed(box.querySelector("tbody"), edges, keyOf, (edge) => h("tr", {}, h("th", { scope: "row" }), h("td", { class: "number" }), h("td", { class: "number" }), h("td", { class: "number" }),
    h("td", {}, h("button", { type: "button", class: "sign", "aria-controls": "details", click: () => toggle(keyOf(edge)) }, sign(), h("span")))), (row, edge) => {
    const [who, calls, failed, times, security] = row.children;
    setText(who, `${labels.get(edge.from) ?? edge.from} → ${labels.get(edge.to) ?? edge.to}`);
    setText(calls, fixed(edge.requests_per_s));
    setText(failed, edge.requests_per_s === null ? "–" : fixed(failures(edge)));
    setAttr(failed, "class", failures(edge) > 0 ? "number bad" : "number");
    setText(times, `${fixed(edge.p50_ms)}/${fixed(edge.p99_ms)}`);
    const button = security.firstElementChild;
    setText(button.lastElementChild, SAYS[/** @type {keyof typeof SAYS} */ (edge.security.is)]);
    setAttr(button.querySelector("path"), "d", lock(edge));
    setAttr(button, "class", `sign ${tone(edge)} ${lock(edge) ? "" : "without"}`);
    setAttr(button, "aria-expanded", String(shown === keyOf(edge)));
    setAttr(button, "aria-label", `${SAYS[/** @type {keyof typeof SAYS} */ (edge.security.is)]}: details of ${labels.get(edge.from)} to ${labels.get(edge.to)}`);
  });
}

/** What to do when details open or close. @type {() => void} */
let redraw = () => {};
/** What had the focus before. @type {Element | null} */
let opener = null;

/** @param {() => void} again */
export function onTopology(again) {
  redraw = again;
  byId("calls").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape" && shown) close(); });
}

/** @param {string} key */
function toggle(key) {
  if (shown === key) return close();
  shown = key;
  opener = document.activeElement;
  redraw();
  byId("details-title")?.focus();
}

function close() {
  shown = null;
  redraw();
  if (opener?.isConnected) /** @type {HTMLElement} */ (opener).focus();
}

/** @param {Run} run @param {any[]} edges @param {Map<string, string>} labels */
function drawDetails(run, edges, labels) {
  const box = byId("details");
  const edge = edges.find((edge) => keyOf(edge) === shown);
  if (!edge) { setAttr(box, "hidden", true); return; }
  if (!box.firstElementChild) {
    box.append(h("h3", { id: "details-title", tabindex: -1 }), h("button", { type: "button", class: "close", click: close }, "Close"), h("dl"));
  }
  setAttr(box, "hidden", false);
  setText(box.firstElementChild, `${labels.get(edge.from)} → ${labels.get(edge.to)}`);
  keyed(box.lastElementChild, facts(run, edge), ([name]) => name, () => h("div", {}, h("dt"), h("dd")), (row, [name, value]) => {
    setText(row.firstElementChild, name);
    setText(row.lastElementChild, value);
  });
}

/** What is known of an edge. @param {Run} run @param {any} edge @returns {[string, string][]} */
function facts(run, edge) {
  const kinds = Object.entries(edge.failures_per_s).filter(([, n]) => n > 0).map(([kind, n]) => `${kind} ${rate(/** @type {number} */ (n))}`);
  /** @type {[string, string][]} */
  const out = [["Security", SAYS[/** @type {keyof typeof SAYS} */ (edge.security.is)]]];
  const tls = edge.security;
  if (tls.server) {
    out.push(["Server is", tls.server], ["Client is", tls.client ?? "nobody: it showed no certificate"], ["Version", `${tls.version}, ${tls.cipher}`]);
    const left = tls.expires_s - run.now.wall_ms / 1000;
    const date = new Date(tls.expires_s * 1000).toISOString().slice(0, 16).replace("T", " ");
    out.push(["Certificate", left > 0 ? `expires in ${span(left)} (${date} UTC)` : `EXPIRED ${span(-left)} ago (${date} UTC)`]);
  }
  if (tls.is === "in-process") out.push(["Network", "there is none: the file is read by the process itself"]);
  if (edge.mesh) out.push(["Mesh says", `${edge.mesh.identity} (${edge.mesh.header})`]);
  out.push(["Calls", rate(edge.requests_per_s)], ["Failed", kinds.join(", ") || "none"], ["p50 / p99", `${millis(edge.p50_ms)} / ${millis(edge.p99_ms)}`]);
  out.push(["Connections", fixed(edge.connections, 0)], ["Traffic", edge.bytes_per_s === null ? "–" : `${bytes(edge.bytes_per_s)}/s`], ["As of", clock(run.now.wall_ms)]);
  return out;
}
