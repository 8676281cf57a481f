// A Pitlane of the test's own: the built binary on a free port, with a fresh
// data directory and without a Daytona key. Plain JavaScript, because the
// measurements use it too, without Playwright's transpiler.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const binary = process.env.PITLANE_BINARY ?? path.resolve(import.meta.dirname, "../../target/debug/pitlane");

/** The account that the first one-time link sets up. */
export const owner = { name: "ada", password: "correct horse battery staple" };

export class Server {
  /** Its data directory, below the system's folder for temporary files. */
  data = mkdtempSync(path.join(tmpdir(), "pitlane-end2end-"));
  /** Everything it printed, for messages of failed tests. */
  output = "";
  /** The address of the site, without a slash at the end. */
  url = "";
  /** @type {import("node:child_process").ChildProcess | undefined} */
  process;

  /** @param {Record<string, string>} environment settings on top of the usual ones */
  constructor(environment = {}) {
    this.environment = environment;
  }

  get pid() {
    if (!this.process?.pid) throw new Error("the server is not started");
    return this.process.pid;
  }

  /** What its engine says of itself, in the file that finds it. */
  get engine() {
    return JSON.parse(readFileSync(path.join(this.data, "data", "engine", "engine.json"), "utf8"));
  }

  /** The process of its engine. */
  get enginePid() {
    return Number(this.engine.pid);
  }

  /** The label by which this installation knows its sandboxes. */
  get instance() {
    return readFileSync(path.join(this.data, "data", "instance"), "utf8").trim();
  }

  /**
   * Calls its engine's API, as any program with the key may.
   * @param {string} method
   * @param {string} address below /api
   * @param {unknown} [body]
   */
  async callEngine(method, address, body) {
    const { addr, key_file } = this.engine;
    const response = await fetch(`http://${addr}/api${address}`, {
      method,
      headers: { authorization: `Bearer ${readFileSync(key_file, "utf8").trim()}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${address}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** The one-time link that a first start prints. */
  get signInLink() {
    const link = this.output.match(/(http:\/\/\S+\/sign-in\?token=\S+)/)?.[1];
    if (!link) throw new Error(`no sign-in link was printed:\n${this.output}`);
    return link;
  }

  /**
   * Starts it, on the port of the last start when there was one, and waits
   * until it says that it is ready; at first also for the link, which comes after.
   * @returns {Promise<{ readyAfter: number }>} milliseconds from start to ready
   */
  async start() {
    const address = this.url ? new URL(this.url).host : "127.0.0.1:0";
    // Nothing of this machine's own settings: they would make another server.
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(PITLANE|DAYTONA)_|^DATABASE_URL$/.test(name)));
    const isFirst = !this.url;
    const began = performance.now();
    let readyAfter = 0;
    const child = spawn(binary, ["serve"], {
      cwd: this.data,
      env: { ...inherited, PITLANE_ADDR: address, PITLANE_DATA: path.join(this.data, "data"), ...this.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    this.url = await new Promise((resolve, reject) => {
      let text = "";
      const read = (/** @type {Buffer} */ chunk) => {
        this.output += chunk;
        text += chunk;
        const url = text.match(/ready at (http:\/\/[^\s/]+)\s/)?.[1];
        if (url) readyAfter ||= performance.now() - began;
        if (url && (!isFirst || /\/sign-in\?token=\S+\s/.test(text))) resolve(url);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.on("exit", (code) => reject(new Error(`pitlane ended with ${code}:\n${this.output}`)));
      child.on("error", reject);
    });
    return { readyAfter };
  }

  /**
   * Follows the one-time link and sets up the owner's account.
   * @param {import("@playwright/test").Page} page
   */
  async signIn(page) {
    await page.goto(this.signInLink);
    await page.waitForURL("**/setup");
    await page.getByLabel("Name").fill(owner.name);
    await page.getByLabel("Password").fill(owner.password);
    await page.getByRole("button", { name: "Save and go on" }).click();
    await page.waitForURL((url) => url.pathname === "/");
  }

  /**
   * Ends it: politely, when its engine and sandboxes end with it, or by another signal.
   * @param {NodeJS.Signals} signal
   */
  async stop(signal = "SIGTERM") {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => {
      child.on("exit", resolve);
      child.kill(signal);
    });
  }

  /** Ends it and removes its data, once its engine writes no more: that one may outlive the server by seconds. */
  async remove() {
    let engine = 0;
    try {
      engine = this.enginePid;
    } catch {
      // It never started one, or that one is gone and so is its file.
    }
    await this.stop();
    for (let patience = 400; engine && isRunning(engine); patience -= 1) {
      if (patience === 0) throw new Error(`the engine ${engine} goes on without its server`);
      await pause(100);
    }
    rmSync(this.data, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/**
 * Whether this process still does something: one that has ended and was not waited for does not.
 * @param {number} pid
 */
function isRunning(pid) {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
