// A Pitlane of the test's own: the built binary on a free port, with a fresh
// data directory, without network for sandboxes and without a Daytona key.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const binary =
  process.env.PITLANE_BINARY ?? path.resolve(import.meta.dirname, "../../target/debug/pitlane");

export interface Started {
  /** The address of the site, without a slash at the end. */
  url: string;
  /** The one-time link that the first start prints; null on later starts. */
  signInLink: string | null;
  /** From starting the process to the line that says it is ready, in milliseconds. */
  readyAfter: number;
  process: ChildProcess;
}

export class Server {
  readonly data = mkdtempSync(path.join(tmpdir(), "pitlane-end2end-"));
  /** Everything the server printed, for messages of failed tests. */
  output = "";
  private started: Started | undefined;

  constructor(private readonly environment: Record<string, string> = {}) {}

  get url(): string {
    if (!this.started) throw new Error("the server is not started");
    return this.started.url;
  }

  get pid(): number {
    const pid = this.started?.process.pid;
    if (!pid) throw new Error("the server is not started");
    return pid;
  }

  /** Starts it, on the port of the last start when there was one. */
  async start(): Promise<Started> {
    const address = this.started ? new URL(this.started.url).host : "127.0.0.1:0";
    const { DAYTONA_API_KEY: _, ...inherited } = process.env;
    const began = performance.now();
    const child = spawn(binary, ["serve"], {
      cwd: this.data,
      env: { ...inherited, PITLANE_ADDR: address, PITLANE_DATA: this.data, ...this.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.started = await new Promise<Started>((resolve, reject) => {
      let text = "";
      const read = (chunk: Buffer) => {
        this.output += chunk;
        text += chunk;
        const url = text.match(/ready at (http:\/\/[^\s/]+)/)?.[1];
        if (!url) return;
        // A fresh data directory has no account, and its link follows in the next line.
        const signInLink = text.match(/(http:\/\/\S+\/sign-in\?token=\S+)/)?.[1] ?? null;
        if (signInLink || this.started || text.includes("\n\n")) {
          resolve({ url, signInLink, readyAfter: performance.now() - began, process: child });
        } else {
          setTimeout(() => resolve({ url, signInLink: text.match(/(http:\/\/\S+\/sign-in\?token=\S+)/)?.[1] ?? null, readyAfter: performance.now() - began, process: child }), 300);
        }
      };
      child.stdout?.on("data", read);
      child.stderr?.on("data", (chunk: Buffer) => (this.output += chunk));
      child.on("exit", (code) => reject(new Error(`pitlane ended with ${code}:\n${this.output}`)));
      child.on("error", reject);
    });
    return this.started;
  }

  /** Ends it politely; its engine and sandboxes end with it. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.started?.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.on("exit", () => resolve());
      child.kill(signal);
    });
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}
