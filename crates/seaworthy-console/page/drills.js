// @ts-check
// What can be asked for, what was, and what it cost.

import { byId, clock, counted, fixed, h, keyed, millis, setAttr, setText, span } from "./dom.js";

/** @typedef {import("./run.js").Run} Run */

/** What the server said to the last thing that was asked for. */
let said = "";
let asking = false;
let linked = false;
let drawn = -1;

/** @param {string} name @returns {string} */
const meta = (name) => /** @type {HTMLMetaElement | null} */ (document.querySelector(`meta[name="${name}"]`))?.content ?? "";

/** Makes the controls. @param {Run} run @param {() => void} redraw */
export function onDrills(run, redraw) {
  const replica = h("select", { id: "replica" });
  const seconds = h("input", { id: "seconds", type: "number", min: 1, max: 60, value: 5, inputmode: "numeric" });
  const wanted = h("input", { id: "wanted", type: "number", min: 1, max: 8, value: 4, inputmode: "numeric" });
  const number = (/** @type {any} */ field) => Number(field.value);
  const button = (/** @type {string} */ id, /** @type {string} */ text, /** @type {() => any} */ command) =>
    h("button", { type: "button", id, class: "ask", "aria-describedby": "why", click: () => ask(run, command(), redraw) }, text);
  byId("asks").append(
    h("div", { class: "asks" },
      h("div", { class: "group" }, button("roll-out", "Roll out", () => ({ drill: "rollout" })), button("bad-release", "Bad release", () => ({ drill: "bad-release" }))),
      h("div", { class: "group" }, h("label", {}, "Replica ", replica), button("kill", "Kill", () => ({ drill: "kill", replica: number(replica) })),
        button("freeze", "Freeze", () => ({ drill: "freeze", replica: number(replica), seconds: number(seconds) })), h("label", {}, "for ", seconds, " s")),
      h("div", { class: "group" }, button("scale", "Scale", () => ({ drill: "scale", replicas: number(wanted) })), h("label", {}, "to ", wanted, " replicas"))),
    h("p", { id: "why", class: "why" }));
}

/** @param {Run} run @param {any} command @param {() => void} redraw */
async function ask(run, command, redraw) {
  if (refusal(run)) return;
  asking = true;
  said = "";
  redraw();
  try {
    const answer = await fetch("/drills", { method: "POST", headers: { "content-type": "application/json", "x-seaworthy-token": meta("seaworthy-token") }, body: JSON.stringify(command) });
    const body = await answer.json();
    said = answer.ok ? "" : `Not done: ${body.detail ?? answer.statusText}`;
  } catch {
    said = "Not done: there was no answer.";
  }
  asking = false;
  redraw();
}

/** Why nothing can be asked for now. @param {Run} run */
function refusal(run) {
  if (!linked) return "The connection is lost: nothing can be asked for.";
  if (asking) return "Asking…";
  return run.now?.busy ?? "";
}

/** @param {Run} run @param {boolean} isLive */
export function drawDrills(run, isLive) {
  linked = isLive;
  const why = refusal(run);
  for (const button of byId("asks").querySelectorAll("button")) setAttr(button, "aria-disabled", why ? "true" : null);
  setText(byId("why"), why || said);
  setAttr(byId("why"), "class", why ? "why" : said ? "why bad" : "why");
  setAttr(byId("wanted"), "max", run.maxReplicas);
  setAttr(byId("seconds"), "max", run.maxFreezeS);
  const live = run.instances().filter((node) => node.phase !== "gone" && node.phase !== "terminating");
  keyed(byId("replica"), live, (node) => String(node.replica), (node) => h("option", { value: node.replica }, String(node.replica)), () => {});
  const running = [...run.drills.values()].some((drill) => drill.state === "running" || drill.state === "waiting");
  if (drawn === run.changes.drills && !running) return;
  drawn = run.changes.drills;
  const all = [...run.drills.values()].sort((a, b) => b.id - a.id);
  keyed(byId("result"), all.slice(0, 1), (drill) => String(drill.id), () => h("article", { class: "drill" }, ...parts("h3")), (box, drill) => update(box, run, drill));
  const earlier = all.slice(1, 30);
  keyed(byId("log"), earlier, (drill) => String(drill.id), makeLine, (line, drill) => {
    const details = line.firstElementChild;
    setText(details.firstElementChild, `${clock(run.wall(drill.asked_ms), true)} ${drill.what}: ${short(drill)}`);
    update(details.lastElementChild, run, drill);
  });
  setAttr(byId("log"), "hidden", earlier.length === 0);
  const empty = byId("log-empty");
  setAttr(empty, "hidden", earlier.length > 0);
  setText(empty, all.length > 0 ? "Nothing before that." : "Nothing yet.");
}

/** @param {string} heading */
const parts = (heading) => [h(heading, { class: "name" }), h("p", { class: "how" }), h("p", { class: "cost" }), h("div", { class: "findings" })];

const makeLine = () => h("li", {}, h("details", {}, h("summary"), h("div", { class: "drill" }, ...parts("p"))));

/** A drill in a few words. @param {any} drill */
export function short(drill) {
  if (drill.state === "refused") return "refused";
  if (drill.state !== "done") return drill.state;
  return drill.cost ? (drill.cost.lost > 0 ? `${drill.cost.lost} lost` : "nothing lost") : "done";
}

/** @param {any} box @param {Run} run @param {any} drill */
function update(box, run, drill) {
  const [name, how, cost, findings] = box.children;
  setText(name, `${drill.what}: ${drill.state}`);
  setAttr(box, "class", `drill ${drill.state === "done" ? ((drill.cost?.lost ?? 0) > 0 ? "lost" : "kept") : drill.state}`);
  setText(how, [`asked ${clock(run.wall(drill.asked_ms))} by ${drill.by}`, took(run, drill)].filter(Boolean).join(" · "));
  setText(cost, drill.state === "refused" ? drill.reason : price(drill.cost));
  keyed(findings, drill.findings, (finding) => /** @type {any} */ (finding).cause, makeFinding, (element, /** @type {any} */ finding) => {
    const [cause, what, evidence, fix] = element.children;
    setText(cause, finding.cause);
    setText(what, finding.what);
    keyed(evidence, finding.evidence, String, () => h("li"), (line, /** @type {any} */ text) => setText(line, text));
    setText(fix.lastElementChild, finding.fix);
  });
}

const makeFinding = () => h("div", { class: "finding" }, h("code"), h("p"), h("ul"), h("p", { class: "fix" }, h("b", {}, "What mends it: "), h("span")));

/** @param {Run} run @param {any} drill */
function took(run, drill) {
  if (drill.began_ms === null) return "";
  if (drill.ended_ms !== null) return `took ${((drill.ended_ms - drill.began_ms) / 1000).toFixed(1)} s`;
  return `running for ${span(run.end() - drill.began_ms / 1000)}`;
}

/** @param {any} cost */
function price(cost) {
  if (!cost) return "";
  return `${counted(cost.lost, "request")} lost · ${cost.retried} retried · worst ${millis(cost.worst_ms)} · outage ${fixed(cost.outage_s)} s`;
}
