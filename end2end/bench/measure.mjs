// What the measurements share: medians, floors, and the lines they print.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export const binary =
  process.env.PITLANE_BINARY ?? path.resolve(import.meta.dirname, "../../target/release/pitlane");

/** The Python that the floors run on, and so the one that sandboxes get. */
export const python = process.env.PITLANE_PYTHON ?? "/usr/bin/python3";
process.env.PITLANE_PYTHON = python;

/** The p-th percentile (0 to 100) of some numbers, by the nearest rank. */
export function percentile(numbers, p) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}

export const median = (numbers) => percentile(numbers, 50);

/** Prints one figure as a JSON line. */
export function report(name, value, unit, floor, note) {
  const round = (number) => Number(number.toPrecision(4));
  const figure = { name, value: round(value), unit, floor: round(floor), ratio: round(value / floor), note };
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

/** Says what goes on, beside the figures. */
export const say = (text) => process.stderr.write(`    ${text}\n`);

/** How long a command takes from start to end, in milliseconds: the median of some runs. */
export function medianOfCommand(command, args, runs = 15) {
  const times = [];
  for (let i = 0; i < runs; i += 1) {
    const start = performance.now();
    const result = spawnSync(command, args, { stdio: "ignore" });
    if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${result.status}`);
    times.push(performance.now() - start);
  }
  return median(times);
}

/** The floor of everything that runs Python: one bare start of it, in milliseconds. */
export const pythonStart = () => medianOfCommand(python, ["-c", "pass"]);

/** Does something with a folder that is removed afterwards. */
export async function withFolder(work) {
  const folder = mkdtempSync(path.join(tmpdir(), "pitlane-bench-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resident memory of a process, in MB. */
export function memoryOf(pid) {
  const text = execFileSync("cat", [`/proc/${pid}/smaps_rollup`], { encoding: "utf8" });
  return (Number(text.match(/^Rss:\s+(\d+) kB/m)[1]) * 1024) / 1e6;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
