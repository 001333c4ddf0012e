// @ts-check
// The golden signals over the window. All charts and lanes have the same width and the same seconds, so that what is above
// each other happened together.

import { byId, clock, fixed, h, keyed, millis, percent, rate, s, setAttr, setText } from "./dom.js";

/** @typedef {import("./run.js").Run} Run */

/**
 * A chart: what is drawn in it, from which columns, and how its values are said.
 * @type {{id: string, name: string, lines: {column: string, class: string, name: string}[], say: (value: any) => string, least: number, log?: boolean}[]}
 */
const CHARTS = [
  { id: "arrivals", name: "Arrivals", lines: [{ column: "arrivals_per_s", class: "info area", name: "" }], say: rate, least: 1 },
  { id: "failures", name: "Failures", lines: [{ column: "failures_per_s", class: "bad bars", name: "" }], say: rate, least: 1 },
  { id: "latency", name: "Latency", lines: [{ column: "p50_ms", class: "info", name: "p50" }, { column: "p99_ms", class: "warn dashed", name: "p99" }], say: millis, least: 10, log: true },
  { id: "saturation", name: "Saturation", lines: [{ column: "saturation", class: "muted area", name: "" }], say: percent, least: 1 },
];
const SMALL = [
  { id: "calls", name: "calls", lines: [{ column: "arrivals_per_s", class: "info area", name: "" }, { column: "failures_per_s", class: "bad bars", name: "" }], say: rate, least: 1 },
  { id: "p99", name: "p99", lines: [{ column: "p99_ms", class: "warn", name: "" }], say: millis, least: 10, log: true },
  { id: "saturation", name: "saturation", lines: [{ column: "saturation", class: "muted area", name: "" }], say: percent, least: 1 },
];
const HEIGHT = 58;
const SMALL_HEIGHT = 30;

/** The second that somebody points at. @type {number | null} */
let pointed = null;

/** Where a moment is. @param {Run} run @param {number} width @param {number} second */
export const xOf = (run, width, second) => ((second - run.begin()) / run.windowS) * width;

/** The next round number, with some room above. @param {number} value */
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((n) => n * power).find((n) => n >= value * 0.999) ?? value;
}

/** The seconds of whole minutes of the wall clock. @param {Run} run @param {number} [each] minutes */
function minutes(run, each = 1) {
  const out = [];
  const step = 60 * each;
  const wallEnd = Math.round(run.now.wall_ms / 1000);
  const first = run.end() - (wallEnd % step);
  for (let second = first; second > run.begin(); second -= step) out.push(second);
  return out;
}

/** @param {any} chart @param {number} height */
function makeChart(chart, height) {
  return s("svg", { class: "chart", height, role: "img", preserveAspectRatio: "none" }, s("path", { class: "grid" }),
    ...chart.lines.map((/** @type {any} */ line) => s("path", { class: `series ${line.class}` })),
    s("text", { class: "top", x: 3, y: 10 }), s("line", { class: "pointer", y1: 0, y2: height, hidden: true }));
}

/** @param {any} svg @param {Run} run @param {any} columns @param {any} chart @param {number} height */
function updateChart(svg, run, columns, chart, height) {
  const width = svg.clientWidth || 300;
  const values = chart.lines.flatMap((/** @type {any} */ line) => columns[line.column]);
  const most = Math.max(...values.map((/** @type {number | null} */ value) => value ?? 0));
  // Times are from one millisecond to seconds, so each line of the grid is ten times the one before. A share ends at 1.
  const top = chart.log ? 10 ** Math.ceil(Math.log10(Math.max(chart.least, most))) : chart.say === percent ? Math.max(1, most) : round(Math.max(chart.least, most * 1.05));
  const share = (/** @type {number} */ value) => (chart.log ? Math.log10(Math.max(value, 0.1) / 0.1) / Math.log10(top / 0.1) : value / top);
  const y = (/** @type {number} */ value) => height - 1 - share(value) * (height - 4);
  const levels = chart.log ? [1, 10, 100, 1000, 10_000].filter((level) => level < top).map((level) => `M0 ${y(level).toFixed(1)}H${width}`).join("") : "";
  setAttr(svg.firstElementChild, "d", minutes(run).map((second) => `M${xOf(run, width, second).toFixed(1)} 0V${height}`).join("") + `M0 ${height - 0.5}H${width}${levels}`);
  chart.lines.forEach((/** @type {any} */ line, /** @type {number} */ index) => {
    const draw = line.class.includes("bars") ? bars : line.class.includes("area") ? area : stroke;
    setAttr(svg.children[index + 1], "d", draw(run, columns[line.column], (second) => xOf(run, width, second), y, height));
  });
  setText(svg.querySelector(".top"), chart.say(top));
  const pointer = svg.lastElementChild;
  setAttr(pointer, "hidden", pointed === null);
  if (pointed !== null) for (const end of ["x1", "x2"]) setAttr(pointer, end, xOf(run, width, pointed).toFixed(1));
}

/** The parts of a column without a gap. @param {Run} run @param {(number | null)[]} column */
function parts(run, column) {
  /** @type {[number, number][][]} */
  const out = [];
  let before = -2;
  column.forEach((value, index) => {
    const second = run.seconds[index];
    if (value === null) return;
    if (second !== before + 1) out.push([]);
    out[out.length - 1].push([second, value]);
    before = second;
  });
  return out;
}

/** @typedef {(run: Run, column: (number | null)[], x: (n: number) => number, y: (n: number) => number, height: number) => string} Draw */

/** @type {Draw} */
const stroke = (run, column, x, y) => parts(run, column).map((part) =>
  part.map(([second, value], index) => `${index === 0 ? "M" : "L"}${x(second).toFixed(1)} ${y(value).toFixed(1)}`).join("") + (part.length === 1 ? "h1" : "")).join("");

/** A line with what is beneath it. @type {Draw} */
const area = (run, column, x, y, height) => parts(run, column).map((part) => {
  const line = part.map(([second, value]) => `L${x(second).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  return `M${x(part[0][0]).toFixed(1)} ${height}${line}L${x(part[part.length - 1][0]).toFixed(1)} ${height}Z`;
}).join("");

/** @type {Draw} */
const bars = (run, column, x, y, height) => parts(run, column).flat().filter(([, value]) => value > 0).map(([second, value]) =>
  `M${(x(second) - 1.5).toFixed(1)} ${height}V${Math.min(y(value), height - 3).toFixed(1)}h3V${height}Z`).join("");

/** The value of a column at the second that is pointed at, or the last. @param {Run} run @param {(number | null)[]} column */
function at(run, column) {
  const index = pointed === null ? run.seconds.length - 1 : run.seconds.indexOf(pointed);
  return column[index] ?? null;
}

/** @param {Run} run */
export function drawSignals(run) {
  const box = byId("signals");
  keyed(box, CHARTS, (chart) => chart.id, (chart) => h("div", { class: "row" },
    h("div", { class: "head" }, h("b", {}, chart.name), ...chart.lines.map(() => h("span", { class: "value" }))), makeChart(chart, HEIGHT)), (row, chart) => {
    const [head, svg] = row.children;
    const said = chart.lines.map((line) => [line.name, chart.say(at(run, run.overall[line.column]))].filter(Boolean).join(" "));
    said.forEach((text, index) => setText(head.children[index + 1], text));
    updateChart(svg, run, run.overall, chart, HEIGHT);
    // What a reader hears need not change each second.
    if (run.end() % 10 === 0 || !svg.hasAttribute("aria-label")) setAttr(svg, "aria-label", `${chart.name} over the last five minutes; now ${said.join(", ")}`);
  });
  drawAxis(run);
}

/** @param {Run} run */
function drawAxis(run) {
  const box = byId("axis");
  if (!box.firstElementChild) {
    const slider = { class: "axis", height: 24, role: "slider", tabindex: 0, "aria-label": "Point at a second", "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0 };
    box.append(h("div", { class: "row" }, h("div", { class: "head" }, h("span", { class: "value" })), s("svg", slider, s("g"), s("line", { class: "pointer", y1: 0, y2: 6, hidden: true }))));
  }
  const [head, svg] = /** @type {any} */ (box.firstElementChild).children;
  const width = svg.clientWidth || 300;
  const labels = minutes(run, width < 420 ? 2 : 1).filter((second) => xOf(run, width, second) > 16 && xOf(run, width, second) < width - 16);
  keyed(svg.firstElementChild, labels, String, () => s("text", { y: 15, "text-anchor": "middle" }), (text, second) => {
    setAttr(text, "x", xOf(run, width, second).toFixed(1));
    setText(text, clock(run.wall(second * 1000), false));
  });
  const second = pointed ?? run.end();
  setText(head.firstElementChild, `${pointed === null ? "now" : "at"} ${clock(run.wall(second * 1000))}`);
  setAttr(svg, "aria-valuemin", Math.max(0, run.begin() + 1));
  setAttr(svg, "aria-valuemax", run.end());
  setAttr(svg, "aria-valuenow", second);
  if (pointed !== null || run.end() % 10 === 0 || !svg.hasAttribute("aria-valuetext")) setAttr(svg, "aria-valuetext", words(run, second));
  const pointer = svg.lastElementChild;
  setAttr(pointer, "hidden", pointed === null);
  if (pointed !== null) for (const end of ["x1", "x2"]) setAttr(pointer, end, xOf(run, width, pointed).toFixed(1));
}

/** @param {Run} run @param {number} second */
function words(run, second) {
  const all = CHARTS.flatMap((chart) => chart.lines.map((line) => `${line.name || chart.name.toLowerCase()} ${chart.say(at(run, run.overall[line.column]))}`));
  return `${clock(run.wall(second * 1000))}: ${all.join(", ")}`;
}

/** @param {Run} run */
export function drawMultiples(run) {
  const live = new Set(run.instances().map((node) => node.replica));
  const numbers = [...run.replicas.keys()].filter((replica) => live.has(replica)).sort((a, b) => a - b).slice(0, 16);
  keyed(byId("multiples"), numbers, String, (replica) => h("section", { class: "multiple", "aria-labelledby": `multiple-${replica}` },
    h("h3", { id: `multiple-${replica}` }, `replica ${replica}`), ...SMALL.map((chart) => h("div", { class: "mini" },
      h("span", { class: "head" }, chart.name), h("span", { class: "value" }), makeChart(chart, SMALL_HEIGHT)))), (card, replica) => {
    const columns = /** @type {any} */ (run.replicas.get(replica));
    SMALL.forEach((chart, index) => {
      const [, value, svg] = card.children[index + 1].children;
      const failed = chart.id === "calls" ? at(run, columns.failures_per_s) : null;
      setText(value, chart.say(at(run, columns[chart.lines[0].column])) + (failed ? ` ✕ ${fixed(failed)}` : ""));
      updateChart(svg, run, columns, chart, SMALL_HEIGHT);
      if (!svg.hasAttribute("aria-label")) setAttr(svg, "aria-label", `${chart.name} of replica ${replica} over the last five minutes`);
    });
  });
}

/** Follows a pointer, or the keys. @param {Run} run @param {() => void} redraw */
export function onCharts(run, redraw) {
  const time = byId("time");
  const point = (/** @type {number | null} */ second) => { if (second !== pointed) { pointed = second; redraw(); } };
  time.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const svg = /** @type {Element} */ (event.target).closest("svg");
    const area = svg?.getBoundingClientRect();
    if (!area || !run.now) return point(null);
    const second = Math.round(run.begin() + ((event.clientX - area.left) / area.width) * run.windowS);
    point(run.seconds.includes(second) ? second : null);
  });
  time.addEventListener("pointerleave", () => point(null));
  time.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (/** @type {Element} */ (event.target).getAttribute("role") !== "slider" || !run.now) return;
    const now = pointed ?? run.end();
    /** @type {Record<string, number | null>} */
    const to = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, PageDown: now - 30, PageUp: now + 30, Home: run.seconds[0], End: run.end(), Escape: null };
    if (!(event.key in to)) return;
    event.preventDefault();
    const second = to[event.key];
    point(second === null ? null : Math.min(run.end(), Math.max(run.seconds[0], second)));
  });
}

/** Nobody points at what has left the window. @param {Run} run */
export function keepPointer(run) {
  if (pointed !== null && pointed <= run.begin()) pointed = null;
}
