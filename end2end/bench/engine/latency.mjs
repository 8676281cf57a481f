// How long a client waits: for a sandbox, a command, a program, fifty sandboxes.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { medianOfCommand, pause, percentile, pythonStart, report } from "../measure.mjs";

const ROUNDS = 60;
const UNSHARE = ["--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "true"];
const BUBBLE = ["--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "true"];
const [CONTAINER, ARGUMENTS] = existsSync("/usr/bin/bwrap") ? ["bwrap", BUBBLE] : ["unshare", UNSHARE];
const FLOOR = `${CONTAINER} + true`;

/** Times of something done again and again, in milliseconds. */
async function times(rounds, work, between) {
  const all = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    const made = await work();
    all.push(performance.now() - start);
    await between?.(made);
  }
  return all;
}

function both(name, all, floor, note) {
  for (const p of [50, 95]) report(`engine: ${name}, p${p}`, percentile(all, p), "ms", floor, note);
}

export async function creates(engine, kind) {
  const all = await times(ROUNDS, () => engine.create(), async (sandbox) => {
    if (sandbox.state !== "started") throw new Error(`the sandbox is ${sandbox.state}`);
    await engine.delete(sandbox);
    await pause(60); // the warm pool fills up again
  });
  both(`create, ${kind}`, all, medianOfCommand(CONTAINER, ARGUMENTS), `${FLOOR}; aim ${kind === "warm" ? 4 : 12} ms`);
}

export async function answers(engine) {
  const sandbox = await engine.create();
  const execute = () => engine.toolbox(sandbox, "POST", "/process/execute", { command: "true" });
  const code = () => engine.toolbox(sandbox, "POST", "/process/code-run", { code: "print(1)", language: "python" });
  for (let warmUp = 0; warmUp < 5; warmUp += 1) {
    await execute();
    const { result } = await code();
    if (result !== "1\n") throw new Error(`the program printed ${result}`);
  }
  both("execute true", await times(ROUNDS, execute), medianOfCommand("bash", ["-c", "true"]), "bash -c true; aim 4 ms");
  both("code-run, Python", await times(ROUNDS, code), pythonStart(), "python3 -c pass; aim 8 ms");
}

export async function crowd(engine) {
  const COUNT = 50;
  const floor = await times(3, () =>
    Promise.all(Array.from({ length: COUNT }, () => new Promise((resolve) => spawn(CONTAINER, ARGUMENTS, { stdio: "ignore" }).on("exit", resolve)))),
  );
  const all = await times(
    5,
    () => Promise.all(Array.from({ length: COUNT }, () => engine.create())),
    (made) => Promise.all(made.map((sandbox) => engine.delete(sandbox))),
  );
  report(`engine: ${COUNT} sandboxes at once`, percentile(all, 50), "ms", percentile(floor, 50), `${COUNT} x ${FLOOR}; aim 800 ms`);
}
