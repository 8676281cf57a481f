// What programs meet: an execution from request to answer, starts that nobody
// waits for at 100 in a second, and the addresses that monitors ask.
import { execFileSync } from "node:child_process";
import http from "node:http";
import { availableParallelism } from "node:os";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { Site } from "./load/site.mjs";
import { binary, medianOfCommand, pause, percentile, python, pythonStart, report, say } from "./measure.mjs";

const ROUNDS = 60;
/** Milliseconds that the answer to a start may take. */
const START = 25;
/** Milliseconds that a monitor's question may take. */
const QUESTION = 5;
/** Starts in a second, and for how many seconds. */
const RATE = 100;
const SECONDS = Number(process.env.PITLANE_BENCH_SECONDS ?? 60);
const EMPTY = "pass\n";

/** A program with a token. */
class Program {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  constructor(site) {
    this.url = site.url;
    // The name of the server's own data; the token alone is printed.
    const env = { PATH: process.env.PATH, PITLANE_DATA: path.join(site.server.data, "data") };
    this.token = execFileSync(binary, ["token", "create", "bench"], { cwd: site.server.data, env, encoding: "utf8" }).trim();
  }

  end() {
    this.#agent.destroy();
  }

  /** One request; the status, the answer and the milliseconds it took. */
  ask(method, address, { headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const request = http.request(`${this.url}${address}`, {
        method,
        agent: this.#agent,
        headers: { authorization: `Bearer ${this.token}`, "content-length": Buffer.byteLength(body ?? ""), ...headers },
      });
      request.on("error", reject);
      request.on("response", async (response) => {
        let text = "";
        for await (const piece of response.setEncoding("utf8")) text += piece;
        resolve({ status: response.statusCode, text, took: performance.now() - began });
      });
      request.end(body);
    });
  }

  async expect(status, method, address, options) {
    const answer = await this.ask(method, address, options);
    if (answer.status !== status) throw new Error(`${method} ${address}: ${answer.status} ${answer.text}`);
    return answer;
  }
}

export async function api() {
  await withProgram({}, execute);
  const settings = { PITLANE_CONCURRENCY: String(availableParallelism()), PITLANE_WAITING_RUNS: String(2 * RATE * SECONDS) };
  await withProgram(settings, starts);
}

async function withProgram(settings, measure) {
  const site = await Site.start(settings);
  const program = new Program(site);
  try {
    await measure(site, program);
  } finally {
    program.end();
    await site.remove();
  }
}

async function execute(site, program) {
  say("api: execute of an empty program");
  const [agent] = await site.agents(1, EMPTY);
  await pause(500); // the first warm sandboxes are made
  const times = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const { text, took } = await program.expect(200, "POST", `/api/agents/${agent}/execute`);
    if (!JSON.parse(text).success) throw new Error(text);
    times.push(took);
    await pause(60); // the warm pool fills up again
  }
  const bare = pythonStart();
  const file = path.join(site.server.data, "empty.py");
  writeFileSync(file, EMPTY);
  process.env.PITLANE_PYTHON = python;
  const terminal = medianOfCommand(binary, ["run", file]);
  for (const p of [50, 95]) {
    report(`api: execute of an empty program, p${p}`, percentile(times, p), "ms", bare, "python3 -c pass");
  }
  report("api: execute of an empty program, p50, beside a terminal", percentile(times, 50), "ms", terminal, "pitlane run of it");
  for (const address of ["/healthz", "/metrics"]) await questions(program, address, "at rest", 200);
}

/** How long the answers to a monitor take. */
async function questions(program, address, when, count) {
  const times = [];
  for (let i = 0; i < count; i += 1) {
    const { status, text, took } = await program.ask("GET", address);
    if (status === 404) return say(`${address} is not there`);
    if (status !== 200) throw new Error(`${address}: ${status} ${text}`);
    times.push(took);
    await pause(5);
  }
  report(`api: ${address} ${when}, p95`, percentile(times, 95), "ms", QUESTION, "the budget; aim 1");
}

async function starts(site, program) {
  say(`api: ${RATE} starts in a second for ${SECONDS} s`);
  const [agent] = await site.agents(1, EMPTY);
  const asked = [];
  const monitors = ["/healthz", "/metrics"].map((address) => questions(program, address, `during ${RATE} starts/s`, SECONDS * 10));
  const began = performance.now();
  for (let i = 0; i < RATE * SECONDS; i += 1) {
    const due = began + (i * 1000) / RATE;
    if (due > performance.now()) await pause(due - performance.now());
    asked.push(program.expect(202, "POST", `/api/agents/${agent}/execute`, { headers: { prefer: "respond-async" } }));
  }
  const answers = await Promise.all(asked);
  const took = (performance.now() - began) / 1000;
  await Promise.all(monitors);
  const runs = answers.map(({ text }) => JSON.parse(text).run_id);
  if (new Set(runs).size !== RATE * SECONDS) throw new Error("two starts are one run");
  const times = answers.map((answer) => answer.took);
  for (const p of [50, 95]) {
    report(`api: answer to an asynchronous start, p${p}`, percentile(times, p), "ms", START, "the budget; aim 1");
  }
  report("api: starts taken", runs.length / took, "per s", RATE, "what was asked; aim 1");
  const lost = await lostOf(program, runs);
  if (lost.length > 0) throw new Error(`${lost.length} of ${runs.length} starts are lost: ${lost[0]}`);
  report("api: runs until all have ended", runs.length / ((performance.now() - began) / 1000), "per s", 1000 / pythonStart(), "python3 -c pass, one after the other");
}

/** Waits for the end of all these runs; what is said of those that did not succeed. */
async function lostOf(program, runs) {
  const lost = [];
  let ended = 0;
  for (const run of runs) {
    for (;;) {
      const { text } = await program.expect(200, "GET", `/api/runs/${run}`);
      const { success } = JSON.parse(text);
      if (success === null) {
        await pause(100);
        continue;
      }
      if (!success) lost.push(text);
      break;
    }
    ended += 1;
    if (ended % 1000 === 0) say(`${ended} of ${runs.length} have ended`);
  }
  return lost;
}
