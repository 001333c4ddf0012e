// @ts-check
// What is known of the run: the window as it came, and each second after it.

/** @typedef {(number | null)[]} Column */
/** @typedef {Record<string, Column>} Columns */

export const SIGNALS = ["arrivals_per_s", "failures_per_s", "p50_ms", "p99_ms", "max_ms", "saturation"];

/** Columns of nothing but gaps. @param {number} length @returns {Columns} */
const gaps = (length) => Object.fromEntries(SIGNALS.map((name) => [name, Array(length).fill(null)]));

/** @param {number | null | undefined} value */
const known = (value) => (value === undefined ? null : value);

export class Run {
  constructor() {
    this.run = "";
    /** The id of what came last. */
    this.id = "";
    this.windowS = 300;
    this.maxReplicas = 1;
    this.maxFreezeS = 1;
    /** What is true now. @type {any} */
    this.now = null;
    /** @type {number[]} */
    this.seconds = [];
    this.overall = gaps(0);
    /** @type {Map<number, Columns>} */
    this.replicas = new Map();
    /** @type {any[]} */
    this.phases = [];
    /** @type {any[]} */
    this.marks = [];
    /** @type {Map<number, any>} */
    this.drills = new Map();
    /** Counts what was taken, so that what depends on marks, phases or drills alone is drawn only when they change. */
    this.changes = { marks: 0, phases: 0, drills: 0 };
  }

  /** Everything, from the beginning of the window. @param {any} data @param {string} id */
  takeWindow(data, id) {
    this.id = id;
    this.run = data.run;
    this.windowS = data.window_s;
    this.maxReplicas = data.max_replicas;
    this.maxFreezeS = data.max_freeze_s;
    this.now = data.now;
    this.seconds = data.seconds;
    const length = this.seconds.length;
    this.overall = aligned(data.overall, length);
    this.replicas = new Map(Object.entries(data.replicas).map(([replica, columns]) => [Number(replica), aligned(columns, length)]));
    this.phases = data.phases;
    this.marks = data.marks;
    this.drills = new Map(data.drills.map((/** @type {any} */ drill) => [drill.id, drill]));
    for (const what of /** @type {const} */ (["marks", "phases", "drills"])) this.changes[what] += 1;
  }

  /** One second more. @param {any} tick @param {string} id */
  takeTick(tick, id) {
    this.id = id;
    this.now = tick;
    this.seconds.push(tick.second);
    for (const name of SIGNALS) this.overall[name].push(known(tick.overall[name]));
    const told = new Map(tick.replicas.map((/** @type {any} */ of) => [of.replica, of]));
    for (const replica of told.keys()) {
      if (!this.replicas.has(replica)) this.replicas.set(replica, gaps(this.seconds.length - 1));
    }
    for (const [replica, columns] of this.replicas) {
      for (const name of SIGNALS) columns[name].push(known(told.get(replica)?.[name]));
    }
    this.phases.push(...tick.phases);
    this.marks.push(...tick.marks);
    for (const drill of tick.drills) this.drills.set(drill.id, drill);
    for (const what of /** @type {const} */ (["marks", "phases", "drills"])) if (tick[what].length > 0) this.changes[what] += 1;
    this.forget();
  }

  /** Lets go of what is older than the window. */
  forget() {
    const begin = this.begin();
    let old = 0;
    while (this.seconds[old] <= begin) old += 1;
    if (old > 0) {
      this.seconds.splice(0, old);
      for (const columns of [this.overall, ...this.replicas.values()]) for (const name of SIGNALS) columns[name].splice(0, old);
      for (const [replica, columns] of this.replicas) {
        if (SIGNALS.every((name) => columns[name].every((value) => value === null))) this.replicas.delete(replica);
      }
    }
    const marks = this.marks.filter((mark) => mark.at_ms >= begin * 1000);
    if (marks.length < this.marks.length) { this.marks = marks; this.changes.marks += 1; }
    const last = new Map();
    for (const change of this.phases) if (change.at_ms < begin * 1000) last.set(change.replica, change);
    this.phases = this.phases.filter((change) =>
      change.at_ms >= begin * 1000 || (last.get(change.replica) === change && change.phase !== "gone"));
    while (this.drills.size > 50) this.drills.delete(Math.min(...this.drills.keys()));
  }

  /** The last second. */
  end() { return this.now ? this.now.second : 0; }

  /** The second before the window. */
  begin() { return this.end() - this.windowS; }

  /** A moment of the run on the wall clock. @param {number} ms since the run began */
  wall(ms) { return this.now ? this.now.wall_ms + ms - this.now.second * 1000 : 0; }

  /** The replicas as nodes, by their numbers. @returns {any[]} */
  instances() {
    const nodes = this.now ? this.now.nodes.filter((/** @type {any} */ node) => node.kind === "replica") : [];
    return nodes.sort((/** @type {any} */ a, /** @type {any} */ b) => a.replica - b.replica);
  }
}

/** Columns as long as the seconds, with gaps where they do not reach. @param {any} columns @param {number} length */
function aligned(columns, length) {
  const out = gaps(length);
  for (const name of SIGNALS) columns[name].forEach((/** @type {number | null} */ value, /** @type {number} */ index) => { out[name][columns.from + index] = value; });
  return out;
}
