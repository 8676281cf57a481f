// Many runs and many readers at once, and how fast a stop is true. Every
// reader's bytes are hashed and compared with the end record: one that misses
// a byte ends the measuring.
import { availableParallelism } from "node:os";
import { memoryOf, pause, percentile, pythonStart, report, say } from "../measure.mjs";
import { Site } from "./site.mjs";

/** Milliseconds a line may be on its way. */
const ARRIVAL = 100;
/** Milliseconds a stop may take that needs no grace. */
const STOP = 500;
/** Kilobytes of memory a reader may cost. */
const READER = 100;
/** Megabytes the server may grow by, however many runs and readers. */
const GROWTH = 128;

/** Prints a line with its time every tenth of a second, and ends. */
const clock = (seconds) =>
  `import time\nfor i in range(${seconds * 10}):\n    print("line", i, "at", f"{time.time():.6f}", "x" * (i % 50))\n    time.sleep(0.1)\n`;

/** The parts, so that one can be measured by itself. */
export const parts = { runs: manyRuns, readers: manyReaders, both: manyOfBoth, stops };

export async function load() {
  for (const measure of Object.values(parts)) await measure();
}

async function onSite(settings, measure) {
  const site = await Site.start(settings);
  try {
    await measure(site);
  } finally {
    await site.remove();
  }
}

/** Ends when a reader missed something. */
async function allWhole(readers) {
  const wrong = (await Promise.all(readers.map((reader) => reader.whole()))).filter(Boolean);
  if (wrong.length > 0) throw new Error(`${wrong.length} readers missed something: ${wrong[0]}`);
}

/** The p-th percentile of how long lines were on their way, leaving out each reader's first second. */
function arrival(readers, p) {
  return percentile(readers.flatMap((reader) => reader.delays.slice(10)), p);
}

const RUNS = 200;

async function manyRuns() {
  say(`load: ${RUNS} runs at once`);
  await onSite({}, async (site) => {
    const agents = await site.agents(RUNS, clock(40));
    const before = memoryOf(site.pid);
    const began = performance.now();
    const runs = await Promise.all(agents.map((agent) => site.run(agent)));
    const readers = runs.map((run) => site.reader(run));
    await site.until(runs, "running");
    const took = performance.now() - began;
    const floor = (pythonStart() * RUNS) / availableParallelism();
    report(`load: ${RUNS} runs until all are running`, took, "ms", floor, "as many python3, one per processor at a time");
    await pause(5000);
    const during = memoryOf(site.pid);
    await allWhole(readers);
    report(`load: ${RUNS} runs, the server's growth`, memoryGrowth(before, during), "MB", GROWTH, "the budget; aim 1");
    report(`load: ${RUNS} runs, print to arrival, p95`, arrival(readers, 95), "ms", ARRIVAL, "the budget; aim 1");
  });
}

const READERS = 1000;

async function manyReaders() {
  say(`load: ${READERS} readers of one run`);
  await onSite({}, async (site) => {
    const [agent] = await site.agents(1, clock(30));
    const run = await site.run(agent);
    await site.until([run], "running");
    const alone = site.reader(run);
    await alone.connected;
    await pause(3000);
    const floor = percentile(alone.delays.slice(10), 95);
    const before = memoryOf(site.pid);
    const readers = [];
    for (let i = 0; i < READERS; i += 1) {
      readers.push(site.reader(run));
      if (i % 50 === 49) await Promise.all(readers.map((reader) => reader.connected));
    }
    // From here on all are there: what they caught up with counts for nobody.
    await pause(2000);
    for (const reader of readers) reader.delays = [];
    await pause(5000);
    const during = memoryOf(site.pid);
    await pause(5000);
    const later = memoryOf(site.pid);
    await allWhole([alone, ...readers]);
    report(`load: ${READERS} readers, print to arrival, p95`, arrival(readers, 95), "ms", ARRIVAL, "the budget; aim 1");
    report(`load: ${READERS} readers, print to arrival, against one, p95`, arrival(readers, 95), "ms", floor, "one reader alone");
    report("load: resident memory per reader", (memoryGrowth(before, during) * 1000) / READERS, "KB", READER, "the budget; aim 1");
    report(`load: ${READERS} readers, memory 5 s later`, later, "MB", during, "5 s before; aim 1");
  });
}

const BOTH = { runs: 100, readers: 10 };

async function manyOfBoth() {
  say(`load: ${BOTH.runs} runs, each read by ${BOTH.readers}`);
  await onSite({}, async (site) => {
    const agents = await site.agents(BOTH.runs, clock(30));
    const before = memoryOf(site.pid);
    const runs = await Promise.all(agents.map((agent) => site.run(agent)));
    await site.until(runs, "running");
    const readers = runs.flatMap((run) => Array.from({ length: BOTH.readers }, () => site.reader(run)));
    await Promise.all(readers.map((reader) => reader.connected));
    await pause(2000);
    for (const reader of readers) reader.delays = [];
    await pause(5000);
    const during = memoryOf(site.pid);
    await allWhole(readers);
    const name = `load: ${BOTH.runs} runs × ${BOTH.readers} readers`;
    report(`${name}, print to arrival, p95`, arrival(readers, 95), "ms", ARRIVAL, "the budget; aim 1");
    report(`${name}, the server's growth`, memoryGrowth(before, during), "MB", 2 * GROWTH, "the budget; aim 1");
  });
}

const memoryGrowth = (before, after) => Math.max(after - before, 0.1);

const STOPS = 60;

async function stops() {
  say(`load: ${STOPS} stops`);
  // Without grace: what does not end by itself is killed at once.
  await onSite({ PITLANE_STOP_GRACE: "0" }, async (site) => {
    const program =
      "import os, subprocess, time\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\n" +
      "if os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\nprint('up')\ntime.sleep(1000)\n";
    const [agent] = await site.agents(1, program);
    const told = [];
    const proven = [];
    for (let i = 0; i < STOPS; i += 1) {
      const run = await site.run(agent);
      const reader = site.reader(run);
      await reader.connected;
      while (reader.bytes === 0) await pause(2);
      const began = performance.now();
      await site.call("stop_run", { run });
      let now = await site.load(run);
      while (!now.stop) {
        await pause(2);
        now = await site.load(run);
      }
      told.push(performance.now() - began);
      proven.push(now.stop.took);
      if (now.stop.left !== 0) throw new Error(`${now.stop.left} processes were left`);
      await site.until([run], "stopped");
      await reader.whole();
    }
    for (const p of [50, 95]) report(`stop without grace until it is proven, p${p}`, percentile(proven, p), "ms", STOP, "the budget; aim 1");
    report("stop without grace until a client knows, p95", percentile(told, 95), "ms", STOP, "the budget; aim 1");
  });
}
