// An engine alone and a client of it that keeps its connections, as the SDKs do.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { binary, pause, python } from "../measure.mjs";

const KEY = "bench-key";

export class Engine {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  #headers = { authorization: `Bearer ${KEY}`, "x-daytona-sdk-version": "0.226.1" };

  static async start(folder, warm) {
    const engine = new Engine();
    engine.folder = folder;
    engine.process = spawn(binary, ["engine", "--addr", "127.0.0.1:0", "--api-key", KEY], {
      env: { PATH: process.env.PATH, PITLANE_PYTHON: python, PITLANE_DATA: folder, PITLANE_WARM: String(warm), PITLANE_LOG: "warn" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    engine.url = await new Promise((resolve, reject) => {
      let text = "";
      engine.process.stdout.on("data", (chunk) => {
        text += chunk;
        const found = text.match(/http:\/\/[^\s]+(?=\/api)/);
        if (found) resolve(found[0]);
      });
      engine.process.on("exit", (code) => reject(new Error(`pitlane engine ended with ${code}: ${text}`)));
    });
    await pause(500); // the first warm sandboxes are made
    return engine;
  }

  async stop() {
    this.#agent.destroy();
    this.process.kill("SIGTERM");
    await new Promise((resolve) => this.process.on("exit", resolve));
  }

  /** Sends a request; gives the body of the answer. */
  send(method, where, body, headers = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.url}${where}`, { method, agent: this.#agent, headers: { ...this.#headers, ...headers } });
      request.on("error", reject);
      request.on("response", async (response) => {
        const pieces = [];
        for await (const piece of response) pieces.push(piece);
        const answer = Buffer.concat(pieces);
        if (response.statusCode < 300) resolve(answer);
        else reject(new Error(`${method} ${where}: ${response.statusCode} ${answer}`));
      });
      request.end(body);
    });
  }

  /** The same with JSON both ways. */
  async call(method, where, body) {
    const answer = await this.send(method, where, body && JSON.stringify(body), body ? { "content-type": "application/json" } : {});
    return answer.length > 0 ? JSON.parse(answer) : undefined;
  }

  create(more = {}) {
    return this.call("POST", "/api/sandbox", { autoDeleteInterval: 0, ...more });
  }

  delete(sandbox) {
    return this.call("DELETE", `/api/sandbox/${sandbox.id}`);
  }

  toolbox(sandbox, method, where, body) {
    return this.call(method, `/toolbox/${sandbox.id}${where}`, body);
  }

  /** Follows a command's log in the exact form; resolves when so many bytes came. */
  follow(sandbox, session, command, bytes) {
    const where = `/toolbox/${sandbox.id}/process/session/${session}/command/${command}/logs?follow=true`;
    const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64") };
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.url}${where}`, { headers: { ...this.#headers, ...upgrade, "x-pitlane-log": "frames-v1" } });
      request.on("error", reject);
      request.on("response", (response) => reject(new Error(`following: ${response.statusCode}`)));
      request.on("upgrade", (_, socket, head) => {
        let came = head.length;
        socket.on("data", (piece) => {
          came += piece.length;
          if (came >= bytes) {
            socket.destroy();
            resolve();
          }
        });
        socket.on("close", () => reject(new Error(`the log ended after ${came} of ${bytes} bytes`)));
      });
      request.end();
    });
  }

  /** Memory that only the sandboxes hold, in MiB: their processes' share of it, by the kernel. */
  memoryOfSandboxes() {
    const { pid } = JSON.parse(readFileSync(path.join(this.folder, "engine", "engine.json"), "utf8"));
    const [sandboxd] = children(pid);
    const all = [];
    const waiting = children(sandboxd);
    while (waiting.length > 0) {
      const next = waiting.pop();
      all.push(next);
      waiting.push(...children(next));
    }
    const share = (process) => Number(readFileSync(`/proc/${process}/smaps_rollup`, "utf8").match(/^Pss:\s+(\d+) kB/m)[1]);
    return all.reduce((sum, process) => sum + share(process), 0) / 1024;
  }
}

function children(pid) {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text ? text.split(" ").map(Number) : [];
}
