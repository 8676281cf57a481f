// 1,000,000 lines of Python print: until the last byte is stored in the
// database, against the same program writing into a file.
import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { binary, median, python, report, say, withFolder } from "./measure.mjs";

const PROGRAM = 'for i in range(1_000_000):\n    print(f"line {i} of the log of an agent that has much to say")\n';
const ROUNDS = 3;

export async function millionLines() {
  say("1,000,000 lines");
  await withFolder(async (folder) => {
    const program = path.join(folder, "agent.py");
    writeFileSync(program, PROGRAM);
    const floors = [];
    const times = [];
    for (let i = 0; i < ROUNDS; i += 1) {
      floors.push(intoFile(program, path.join(folder, "out.txt"), ["-u"]));
      times.push(stored(program));
    }
    report("1,000,000 lines until stored", median(times), "ms", median(floors), "python3 -u into a file; aim 1.5");
  });
}

function intoFile(program, file, options) {
  const out = openSync(file, "w");
  const start = performance.now();
  const result = spawnSync(python, [...options, program], { stdio: ["ignore", out, "inherit"] });
  const took = performance.now() - start;
  closeSync(out);
  if (result.status !== 0) throw new Error(`python3 ended with ${result.status}`);
  return took;
}

/** From the program's start to its last byte in the database, as the run's own phases say. */
function stored(program) {
  const result = spawnSync(binary, ["run", "--json", program], { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (result.status !== 0) throw new Error(`pitlane run ended with ${result.status}: ${result.stderr.slice(-2000)}`);
  const summary = JSON.parse(result.stderr.trimEnd().split("\n").at(-1));
  return summary.phases_ms.run;
}
