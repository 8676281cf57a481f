// One reader of one run, over a connection of its own: takes the stream of
// events apart as it comes, hashes the log's bytes, and notes how long each
// line with a time in it was on its way.
import { createHash } from "node:crypto";
import http from "node:http";

export class Reader {
  /** Milliseconds from print to arrival, one for each line that has a time. */
  delays = [];
  bytes = 0;
  /** @type {{ bytes: number, sha256: string } | undefined} */
  end;
  #hash = createHash("sha256");
  #left = "";
  #line = "";

  constructor(url, cookie, run) {
    this.run = run;
    this.connected = new Promise((resolve, reject) => {
      this.request = http.get(`${url}/api/events?runs=${run}`, { agent: false, headers: { cookie, accept: "text/event-stream" } });
      this.request.on("error", reject);
      this.request.on("response", (response) => {
        if (response.statusCode !== 200) reject(new Error(`the stream of ${run} is refused with ${response.statusCode}`));
        resolve();
        this.response = response;
        this.ended = new Promise((done, failed) => {
          this.done = done;
          response.on("error", failed);
          response.on("close", () => (this.end ? done() : failed(new Error(`the stream of ${run} ended before its run`))));
        });
        // Whoever waits hears of it; until then nobody has to.
        this.ended.catch(() => {});
        response.setEncoding("utf8");
        response.on("data", (text) => this.#take(text));
      });
    });
  }

  /** Waits for the end of the run; says what is wrong with what came. */
  async whole() {
    await this.connected;
    await this.ended;
    const sha256 = this.#hash.digest("hex");
    if (this.bytes === this.end.bytes && sha256 === this.end.sha256) return undefined;
    return `${this.run}: ${this.bytes} of ${this.end.bytes} bytes, ${sha256} for ${this.end.sha256}`;
  }

  close() {
    this.request.destroy();
  }

  #take(text) {
    const events = (this.#left + text).split("\n\n");
    this.#left = events.pop();
    for (const event of events) this.#event(event);
  }

  #event(event) {
    const data = event.match(/^data: (.*)$/m)?.[1];
    if (!data) return;
    if (event.startsWith("event: log")) {
      for (const frame of JSON.parse(data).frames) this.#frame(frame);
    } else if (event.startsWith("event: end")) {
      this.end = JSON.parse(data).log;
      this.done();
      this.close();
    }
  }

  #frame(frame) {
    if (frame.o !== this.bytes) throw new Error(`${this.run}: offset ${frame.o} follows ${this.bytes}`);
    if (frame.g) throw new Error(`${this.run}: a gap of ${frame.g} bytes at ${frame.o}`);
    const bytes = frame.b === undefined ? Buffer.from(frame.d, "utf8") : Buffer.from(frame.b, "base64");
    this.#hash.update(bytes);
    this.bytes += bytes.length;
    const lines = (this.#line + bytes).split("\n");
    this.#line = lines.pop();
    const now = performance.timeOrigin + performance.now();
    for (const line of lines) {
      const printed = line.match(/ at (\d+\.\d+)/)?.[1];
      if (printed) this.delays.push(now - Number(printed) * 1000);
    }
  }
}
