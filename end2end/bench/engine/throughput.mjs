// How fast bytes flow: a session's log as it is written, files in and out.
import { randomBytes } from "node:crypto";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { median, report, withFolder } from "../measure.mjs";

const LINE = "a line of output such as a program prints it, of 80 bytes with its line end  ~~";
const LINES = 2_500_000;
const PRINTS = `yes '${LINE}' | head -n ${LINES}`;
const BYTES = LINES * (LINE.length + 1);
const ROUNDS = 3;
const LOG_ROUNDS = 11;

/** Seconds that something takes once. */
async function secondsOnce(work, round = 0) {
  const start = performance.now();
  await work(round);
  return (performance.now() - start) / 1000;
}

/** The same as the median of some runs. */
async function seconds(work) {
  const all = [];
  for (let round = 0; round < ROUNDS; round += 1) all.push(await secondsOnce(work, round));
  return median(all);
}

export async function log(engine) {
  // As many processors as the floor has: the way of the log is measured, not the limit of one.
  const sandbox = await engine.create({ cpu: availableParallelism() });
  await engine.toolbox(sandbox, "POST", "/process/session", { sessionId: "s" });
  const follow = async () => {
    const { cmdId } = await engine.toolbox(sandbox, "POST", "/process/session/s/exec", { command: PRINTS, runAsync: true });
    await engine.follow(sandbox, "s", cmdId, BYTES);
  };
  const pipe = () => spawnSync("bash", ["-c", `${PRINTS} | cat > /dev/null`]);
  const took = { follow: [], pipe: [] };
  // In turns, so that both see the same minutes of the machine.
  for (let round = 0; round < LOG_ROUNDS; round += 1) {
    took.follow.push(await secondsOnce(follow));
    took.pipe.push(await secondsOnce(pipe));
  }
  const [followed, floor] = [median(took.follow), median(took.pipe)];
  report("engine: session log, followed", BYTES / 1e6 / followed, "MB/s", BYTES / 1e6 / floor, "the same through a pipe; aim 0.6 or more");
  report("engine: session log, lines", LINES / followed, "lines/s", LINES / floor, "the same through a pipe; aim 1 M lines/s");
}

export async function files(engine) {
  const SIZE = 64 << 20;
  const content = randomBytes(SIZE);
  const sandbox = await engine.create();
  const boundary = "bench-boundary";
  const part = (name, more = "") => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(`${part("files[0].path")}f\r\n${part("files[0].file", '; filename="f"')}`),
    content,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const form = { "content-type": `multipart/form-data; boundary=${boundary}` };
  const up = await seconds(() => engine.send("POST", `/toolbox/${sandbox.id}/files/bulk-upload`, body, form));
  const down = await seconds(async () => {
    const came = await engine.send("GET", `/toolbox/${sandbox.id}/files/download?path=f`);
    if (came.length !== SIZE) throw new Error(`${came.length} bytes came`);
  });
  const copy = await withFolder((folder) => {
    const from = path.join(folder, "from");
    writeFileSync(from, content);
    return seconds((round) => spawnSync("cp", [from, path.join(folder, `to-${round}`)]));
  });
  const speed = (took) => SIZE / 1e6 / took;
  report("engine: file upload", speed(up), "MB/s", speed(copy), "cp of the same file");
  report("engine: file download", speed(down), "MB/s", speed(copy), "cp of the same file");
}
