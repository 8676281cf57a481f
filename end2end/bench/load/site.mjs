// A server of its own and a signed-in client of it: agents, runs, and readers
// of their streams of events.
import http from "node:http";
import { randomUUID } from "node:crypto";
import { Server } from "../../support/server.mjs";
import { pause } from "../measure.mjs";
import { Reader } from "./reader.mjs";

/** Room for everything that is measured here. */
const SETTINGS = {
  PITLANE_CONCURRENCY: "200",
  PITLANE_STARTS_PER_MINUTE: "0",
  PITLANE_STREAMS_PER_PERSON: "3000",
  PITLANE_CONNECTIONS: "8192",
  PITLANE_LOG: "warn",
};

export class Site {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 16 });

  static async start(settings = {}) {
    const site = new Site();
    site.server = new Server({ ...SETTINGS, ...settings });
    await site.server.start();
    // The link is printed just after the address.
    while (!site.server.output.includes("/sign-in?token=")) await pause(5);
    const response = await fetch(site.server.signInLink, { redirect: "manual" });
    site.cookie = response.headers.get("set-cookie").split(";")[0];
    return site;
  }

  get url() {
    return this.server.url;
  }

  get pid() {
    return this.server.pid;
  }

  async remove() {
    this.#agent.destroy();
    await this.server.remove();
  }

  /** Calls a server function; a form when `form` is set, else JSON. */
  call(name, body, form = false) {
    const text = form ? new URLSearchParams(body).toString() : JSON.stringify(body);
    const headers = {
      accept: "application/json",
      cookie: this.cookie,
      "content-type": form ? "application/x-www-form-urlencoded" : "application/json",
      "content-length": Buffer.byteLength(text),
    };
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.url}/fn/${name}`, { method: "POST", agent: this.#agent, headers });
      request.on("error", reject);
      request.on("response", async (response) => {
        let answer = "";
        for await (const piece of response.setEncoding("utf8")) answer += piece;
        if (response.statusCode < 300) resolve(answer ? JSON.parse(answer) : undefined);
        else reject(new Error(`${name}: ${response.statusCode} ${answer}`));
      });
      request.end(text);
    });
  }

  /** Agents with this program, so many. */
  async agents(count, program) {
    const agents = [];
    for (let i = 0; i < count; i += 1) {
      const agent = await this.call("create_blank_agent", { name: `load ${i}`, language: "python" }, true);
      const [file] = await this.call("list_files", { agent: agent.id });
      await this.call("save_file", { agent: agent.id, path: file.path, text: program, base: file.version });
      agents.push(agent.id);
    }
    return agents;
  }

  /** Starts a run of an agent; gives its id. */
  async run(agent) {
    const id = uuid7();
    await this.call("start_run", { id, agent, fresh: true });
    return id;
  }

  reader(run) {
    return new Reader(this.url, this.cookie, run);
  }

  load(run) {
    return this.call("load_run", { id: run });
  }

  /** Waits until all these runs are in this state. */
  async until(runs, state) {
    for (const run of runs) {
      for (;;) {
        const { state: now, reason } = await this.load(run);
        if (now === state) break;
        if (["succeeded", "failed", "timed_out", "stopped", "lost"].includes(now)) {
          throw new Error(`run ${run} is ${now}, not ${state}: ${reason}`);
        }
        await pause(20);
      }
    }
  }
}

/** An id as browsers make them: 48 bits of time, then random. */
function uuid7() {
  const time = Date.now().toString(16).padStart(12, "0");
  const random = randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}
