// An engine alone and a client of it that keeps its connections, as the SDKs do.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
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

  /**
   * Follows a command's log in the exact form; resolves when so many bytes
   * came. Reads as `cat` does, into memory that is used again: the engine is
   * measured, and not how this runtime hands out buffers.
   */
  follow(sandbox, session, command, bytes) {
    const { hostname, port } = new URL(this.url);
    const lines = [
      `GET /toolbox/${sandbox.id}/process/session/${session}/command/${command}/logs?follow=true HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      "X-Pitlane-Log: frames-v1",
      ...Object.entries(this.#headers).map(([name, value]) => `${name}: ${value}`),
    ];
    return new Promise((resolve, reject) => {
      let head = "";
      let came = 0;
      const read = (length, buffer) => {
        if (came > 0 || head.endsWith("\r\n\r\n")) {
          came += length;
        } else {
          const text = head + buffer.toString("latin1", 0, length);
          const end = text.indexOf("\r\n\r\n");
          head = end < 0 ? text : text.slice(0, end + 4);
          came = text.length - head.length;
          if (!/^(HTTP\/1.1 101|.{0,11}$)/s.test(head)) {
            socket.destroy();
            reject(new Error(`following: ${head}`));
          }
        }
        if (came >= bytes) {
          socket.destroy();
          resolve();
        }
        return true;
      };
      const socket = net.connect({ host: hostname, port: Number(port), onread: { buffer: Buffer.alloc(256 << 10), callback: read } });
      socket.on("error", reject);
      socket.on("close", () => reject(new Error(`the log ended after ${came} of ${bytes} bytes`)));
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
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
