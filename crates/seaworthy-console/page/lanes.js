// @ts-check
// A lane for each replica: what it was doing, and what happened to it.

import { xOf } from "./charts.js";
import { byId, clock, h, keyed, s, setAttr, setText } from "./dom.js";

/** @typedef {import("./run.js").Run} Run */

const HEIGHT = 24;
const MOST = 12;
/** The sign of each kind of mark, its words for the legend, and how bad it is. @type {Record<string, [string, string, string]>} */
const SIGNS = {
  sigterm: ["T", "SIGTERM", "warn"],
  killed: ["K", "killed", "bad"],
  frozen: ["F", "frozen", "bad"],
  thawed: ["G", "goes on", "info"],
  "probe-failed": ["P", "probe failed", "warn"],
  restarted: ["R", "restarted", "info"],
  "rollout-begun": ["▸", "rollout begun", "info"],
  "rollout-done": ["▪", "rollout done", "info"],
  scaled: ["S", "scaled", "info"],
  "drill-begun": ["[", "drill begun", "muted"],
  "drill-ended": ["]", "drill ended", "muted"],
};
const PHASES = ["starting", "ready", "unready", "terminating"];

/** What each replica was doing, from when to when. @param {Run} run @returns {Map<number, {phase: string, from: number, to: number, revision: number}[]>} */
function spans(run) {
  const out = new Map();
  for (const change of run.phases) {
    const lane = out.get(change.replica) ?? [];
    const last = lane[lane.length - 1];
    if (last) last.to = change.at_ms / 1000;
    lane.push({ phase: change.phase, from: change.at_ms / 1000, to: run.end(), revision: change.revision });
    out.set(change.replica, lane);
  }
  return out;
}

/** The lanes that are shown: those that live, and of those that are gone the last. @param {ReturnType<typeof spans>} lanes */
function chosen(lanes) {
  const numbers = [...lanes.keys()].sort((a, b) => a - b);
  const isGone = (/** @type {number} */ replica) => lanes.get(replica)?.at(-1)?.phase === "gone";
  const gone = numbers.filter(isGone);
  const live = numbers.filter((replica) => !isGone(replica));
  const kept = gone.slice(Math.max(0, gone.length - Math.max(2, MOST - live.length)));
  return { shown: [...kept, ...live].sort((a, b) => a - b), left: gone.length - kept.length };
}

let listed = -1;

/** @param {Run} run */
export function drawLanes(run) {
  const lanes = spans(run);
  const { shown } = chosen(lanes);
  const rows = [{ replica: 0 }, ...shown.map((replica) => ({ replica }))];
  keyed(byId("lanes"), rows, (row) => String(row.replica), makeLane, (row, { replica }) => {
    const spans = lanes.get(replica) ?? [];
    const last = spans.at(-1);
    const [head, svg] = row.children;
    setText(head.lastElementChild, last ? `rev ${last.revision} · ${last.phase}` : "");
    const marks = run.marks.filter((mark) => (mark.replica ?? 0) === replica);
    updateLane(svg, run, spans, marks);
    const what = last ? `Replica ${replica} is ${last.phase}` : "Rollouts and drills";
    setAttr(svg, "aria-label", `${what}; ${marks.length} marks, which are in the list of events`);
  });
  if (listed !== run.changes.marks + run.changes.phases) {
    listed = run.changes.marks + run.changes.phases;
    drawList(run);
  }
  drawLegend();
}

/** @param {{replica: number}} row */
const makeLane = ({ replica }) => h("div", { class: "row lane" },
  h("div", { class: "head" }, h("b", {}, replica === 0 ? "system" : `replica ${replica}`), h("span", { class: "value" })),
  s("svg", { height: HEIGHT, role: "img" }, s("g", { class: "spans" }), s("g", { class: "marks" })));

/** @param {any} svg @param {Run} run @param {any[]} spans @param {any[]} marks */
function updateLane(svg, run, spans, marks) {
  const width = svg.clientWidth || 300;
  const x = (/** @type {number} */ second) => Math.min(width, Math.max(0, xOf(run, width, second)));
  const [back, front] = svg.children;
  keyed(back, spans, (span) => `${span.from}${span.phase}`, () => s("g", {}, s("rect", {}), s("text", { y: 16 })), (group, span) => {
    const [rect, text] = group.children;
    const [from, to] = [x(span.from), x(span.to)];
    const isGone = span.phase === "gone";
    const box = { x: from.toFixed(1), y: isGone ? HEIGHT / 2 : 3, width: Math.max(0.5, to - from).toFixed(1), height: isGone ? 1 : HEIGHT - 6 };
    for (const [name, value] of Object.entries(box)) setAttr(rect, name, value);
    setAttr(rect, "class", `span ${span.phase}`);
    setAttr(rect, "fill", isGone ? null : `url(#fill-${span.phase})`);
    setText(text, to - from > span.phase.length * 6.5 + 10 ? span.phase : "");
    setAttr(text, "x", (from + 5).toFixed(1));
  });
  keyed(front, grouped(marks, (mark) => x(mark.at_ms / 1000)), (group) => group.key, makeMark, (element, group) => {
    setAttr(element, "transform", `translate(${group.x.toFixed(1)} 0)`);
    setAttr(element, "class", `mark ${group.tone}`);
    const more = group.marks.length > 1;
    setText(element.children[2], group.sign + (more ? "+" : ""));
    setAttr(element.children[1], "width", more ? 17 : 13);
    setAttr(element.children[1], "x", more ? -8.5 : -6.5);
    setText(element.children[3], group.marks.map((/** @type {any} */ mark) => `${clock(run.wall(mark.at_ms))} ${mark.text}`).join("\n"));
  });
}

/** How bad a mark is, the worst last. */
const TONES = ["muted", "info", "warn", "bad"];

/** Marks that would cover each other become one: the worst of them, and that there are more. @param {any[]} marks @param {(mark: any) => number} x */
function grouped(marks, x) {
  /** @type {any[]} */
  const groups = [];
  for (const mark of marks) {
    const last = groups[groups.length - 1];
    const [sign, , tone] = SIGNS[mark.kind] ?? ["?", mark.kind, "muted"];
    if (last && x(mark) - last.x < 19) {
      last.marks.push(mark);
      if (TONES.indexOf(tone) > TONES.indexOf(last.tone)) [last.tone, last.sign] = [tone, sign];
    } else groups.push({ key: `${mark.at_ms}${mark.kind}`, x: x(mark), marks: [mark], sign, tone });
  }
  return groups;
}

const makeMark = () => s("g", {}, s("line", { y1: 0, y2: HEIGHT }), s("rect", { x: -6.5, y: 5.5, width: 13, height: 13 }), s("text", { y: 16, "text-anchor": "middle" }), s("title"));

/** What happened, in words, the last first. @param {Run} run */
function drawList(run) {
  const marks = run.marks.map((mark) => ({ at: mark.at_ms, text: mark.text, replica: mark.replica, key: `${mark.at_ms}${mark.kind}${mark.replica}` }));
  const phases = run.phases.filter((change) => change.at_ms / 1000 > run.begin()).map((change) => ({ at: change.at_ms, text: `is ${change.phase}`, replica: change.replica, key: `${change.at_ms}${change.phase}${change.replica}` }));
  const all = [...marks, ...phases].sort((a, b) => b.at - a.at);
  setText(byId("events-count"), String(all.length));
  keyed(byId("events"), all.slice(0, 60), (event) => event.key, () => h("li", {}, h("time"), " ", h("span")), (line, event) => {
    setText(line.firstElementChild, clock(run.wall(event.at)));
    setText(line.lastElementChild, `${event.replica ? `replica ${event.replica} ` : ""}${event.text}`);
  });
}

function drawLegend() {
  const box = byId("legend");
  if (box.firstElementChild) return;
  const phases = PHASES.map((phase) => h("span", {}, s("svg", { width: 22, height: 12, "aria-hidden": true }, s("rect", { class: `span ${phase}`, x: 0.5, y: 0.5, width: 21, height: 11, fill: `url(#fill-${phase})` })), phase));
  const marks = Object.values(SIGNS).map(([sign, words, tone]) => h("span", {}, h("i", { class: `sign-box ${tone}`, "aria-hidden": true }, sign), words));
  box.append(...phases, h("span", {}, s("svg", { width: 22, height: 12, "aria-hidden": true }, s("rect", { class: "span gone", x: 0, y: 6, width: 22, height: 1 })), "gone"), ...marks);
}
