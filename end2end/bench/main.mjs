// Measures the binary in PITLANE_BINARY from outside and prints one JSON line
// a figure. An argument keeps only the groups whose name begins so.
import { api } from "./api.mjs";
import { createToReady } from "./create.mjs";
import { engine } from "./engine/main.mjs";
import { load } from "./load/main.mjs";
import { firstLine } from "./first-line.mjs";
import { millionLines } from "./million-lines.mjs";
import { startAndLoad } from "./start.mjs";

const groups = { api, create: createToReady, engine, lines: millionLines, load, start: startAndLoad, press: firstLine };

for (const [name, measure] of Object.entries(groups)) {
  if (name.startsWith(process.argv[2] ?? "")) await measure();
}
