// Sandbox create to ready, over HTTP, as a client of the engine sees it. The
// floor is the kernel's own price: a process in new namespaces, by unshare(1).
import { spawn } from "node:child_process";
import { binary, medianOfCommand, pause, python, percentile, report, say, withFolder } from "./measure.mjs";

const KEY = "bench-key";
const ROUNDS = 40;

export async function createToReady() {
  say("sandbox create to ready");
  await withFolder(async (folder) => {
    for (const [kind, warm] of [["warm", "2"], ["cold", "0"]]) {
      const { engine, url } = await startEngine(folder, warm);
      const call = async (method, path, body) => {
        const response = await fetch(`${url}${path}`, {
          method,
          headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
          body: body && JSON.stringify(body),
        });
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
        return response.json();
      };
      const times = [];
      for (let i = 0; i < ROUNDS; i += 1) {
        const start = performance.now();
        const sandbox = await call("POST", "/sandbox", { autoDeleteInterval: 0 });
        times.push(performance.now() - start);
        if (sandbox.state !== "started") throw new Error(`the sandbox is ${sandbox.state}`);
        await call("DELETE", `/sandbox/${sandbox.id}`);
        await pause(60); // the warm pool fills up again
      }
      const floor = medianOfCommand("unshare", ["--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "true"]);
      for (const p of [50, 95]) {
        report(`sandbox create to ready, ${kind}, p${p}`, percentile(times, p), "ms", floor, "unshare + true");
      }
      engine.kill("SIGTERM");
      await new Promise((resolve) => engine.on("exit", resolve));
    }
  });
}

async function startEngine(folder, warm) {
  const engine = spawn(binary, ["engine", "--addr", "127.0.0.1:0", "--api-key", KEY], {
    env: { PATH: process.env.PATH, PITLANE_PYTHON: python, PITLANE_DATA: folder, PITLANE_WARM: warm, PITLANE_LOG: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise((resolve, reject) => {
    let text = "";
    engine.stdout.on("data", (chunk) => {
      text += chunk;
      const found = text.match(/http:\/\/[^\s]+\/api/);
      if (found) resolve(found[0]);
    });
    engine.on("exit", (code) => reject(new Error(`pitlane engine ended with ${code}: ${text}`)));
  });
  await pause(300); // the first warm sandboxes are made
  return { engine, url };
}
