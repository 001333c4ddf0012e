// @ts-check
// The stream, and when what is drawn.

import { drawMultiples, drawSignals, keepPointer, onCharts } from "./charts.js";
import { byId, clock, counted, fixed, setAttr, setText, span } from "./dom.js";
import { drawDrills, onDrills, short } from "./drills.js";
import { drawLanes } from "./lanes.js";
import { Run } from "./run.js";
import { drawTopology, onTopology } from "./topology.js";

const run = new Run();
/** @type {EventSource | null} */
let source = null;
/** When the last second came, by this page's own clock. */
let heard = 0;
let live = false;
let tries = 0;
/** How many streams were opened, and how many events came: for those who look into the page. */
const counts = { opened: 0, windows: 0, ticks: 0 };

function connect() {
  // A stream that the server refused is not tried again by the browser, so this page does, and says what it saw last.
  source = new EventSource(run.id ? `/events?after=${run.id}` : "/events");
  source.addEventListener("open", () => { tries = 0; counts.opened += 1; });
  source.addEventListener("window", (event) => {
    const data = JSON.parse(event.data);
    const mine = document.querySelector('meta[name="seaworthy-run"]')?.getAttribute("content");
    // Another run has begun at this address. Its token is another, too.
    if (data.run !== mine) { location.reload(); return; }
    counts.windows += 1;
    run.takeWindow(data, event.lastEventId);
    came();
  });
  source.addEventListener("tick", (event) => {
    counts.ticks += 1;
    run.takeTick(JSON.parse(event.data), event.lastEventId);
    came();
  });
  source.addEventListener("error", () => {
    lost();
    if (source?.readyState !== EventSource.CLOSED) return;
    tries += 1;
    setTimeout(connect, Math.min(10_000, 1000 * tries));
  });
}

function came() {
  heard = performance.now();
  live = true;
  schedule();
}

function lost() {
  if (!live) return;
  live = false;
  schedule();
}

let scheduled = false;

/** Draws once before the next frame, and not at all while nobody can see it. */
function schedule() {
  if (scheduled || document.hidden) return;
  scheduled = true;
  requestAnimationFrame(() => { scheduled = false; draw(); });
}

function draw() {
  drawLink();
  if (!run.now) return drawDrills(run, live);
  keepPointer(run);
  drawState();
  drawTopology(run);
  drawSignals(run);
  drawLanes(run);
  drawMultiples(run);
  drawDrills(run, live);
  announce();
}

function drawLink() {
  const since = run.now ? ` · data of ${clock(run.now.wall_ms)}` : "";
  setText(byId("link-text"), live ? "live" : run.now ? `lost: reconnecting…${since}` : "connecting…");
  setAttr(byId("link"), "class", live ? "link good" : "link bad");
  setAttr(document.body, "class", live && run.now ? "live" : "stale");
}

/** How many of the edges that cross a network are encrypted both ways, in words. */
function secured() {
  const crossing = run.now.edges.filter((/** @type {any} */ edge) => edge.security.is !== "in-process");
  const of = (/** @type {string} */ is) => crossing.filter((/** @type {any} */ edge) => edge.security.is === is).length;
  if (crossing.length === 0) return "no edges";
  if (of("mtls") === crossing.length) return "all edges mTLS";
  const rest = [["plaintext", of("plaintext")], ["TLS one way", of("tls")], ["not known", of("unknown")]].filter(([, n]) => Number(n) > 0);
  return rest.map(([what, n]) => `${n} of ${crossing.length} edges ${what}`).join(", ");
}

const ready = () => run.instances().filter((node) => node.phase === "ready").length;

function drawState() {
  const { now } = run;
  const words = [`${ready()} of ${now.wanted} ready`, `${fixed(now.overall?.arrivals_per_s ?? run.overall.arrivals_per_s.at(-1))} req/s`,
    `${now.sums.failed.toLocaleString("en-US")} failed in ${span(now.sums.seconds)}`, secured()];
  const bad = ready() < now.wanted || (run.overall.failures_per_s.at(-1) ?? 0) > 0;
  setText(byId("state"), words.join(" · "));
  setAttr(byId("state"), "class", bad ? "state warn" : "state");
}

let announced = "";
let announcedAt = -Infinity;

/** Tells readers what changed, in a sentence, and not more often than each five seconds. */
function announce() {
  const last = [...run.drills.values()].sort((a, b) => b.id - a.id)[0];
  const drill = last ? ` Last drill: ${last.what}, ${short(last)}.` : "";
  const text = `${live ? "" : "Connection lost. "}${ready()} of ${run.now.wanted} replicas ready, ${secured()}, ${counted(run.now.sums.failed, "request")} failed.${drill}`;
  if (text === announced || performance.now() - announcedAt < 5000) return;
  announced = text;
  announcedAt = performance.now();
  setText(byId("summary"), text);
}

/** On a narrow screen the table is what there is. */
const narrow = matchMedia("(max-width: 639px)");
const fit = () => { byId("table-box").open = narrow.matches; };

onTopology(draw);
onCharts(run, schedule);
onDrills(run, schedule);
document.addEventListener("visibilitychange", schedule);
narrow.addEventListener("change", fit);
addEventListener("resize", schedule);
// A stream that is open and says nothing is not live, whatever the browser thinks of it.
setInterval(() => { if (live && performance.now() - heard > 5000) lost(); }, 1000);
fit();
connect();
Object.assign(globalThis, { seaworthyConsole: { run, counts } });
