// The engine alone, over HTTP: what a program on Daytona's SDKs waits for.
import { say, withFolder } from "../measure.mjs";
import { Engine } from "./client.mjs";
import { answers, creates, crowd } from "./latency.mjs";
import { memory } from "./memory.mjs";
import { files, log } from "./throughput.mjs";

export async function engine() {
  for (const [what, warm, measure] of [
    ["sandboxes made, with ready ones", 2, (engine) => creates(engine, "warm")],
    ["sandboxes made, without", 0, (engine) => creates(engine, "cold")],
    ["commands and programs", 2, answers],
    ["fifty at once", 2, crowd],
    ["a session's log", 0, log],
    ["files", 0, files],
    ["memory of sandboxes", 0, memory],
  ]) {
    say(`engine: ${what}`);
    await withFolder(async (folder) => {
      const engine = await Engine.start(folder, warm);
      try {
        await measure(engine);
      } finally {
        await engine.stop();
      }
    });
  }
}
