// The server's start, its memory when nothing goes on, and the first page load.
import { chromium } from "@playwright/test";
import { Server } from "../support/server.mjs";
import { binary, median, medianOfCommand, memoryOf, pause, report, say } from "./measure.mjs";

const BUDGET_KB = 350;
const BUDGET_MB = 60;

export async function startAndLoad() {
  say("start, memory, first page load");
  const floor = medianOfCommand(binary, ["--version"]);
  const ready = [];
  for (let i = 0; i < 7; i += 1) {
    const server = new Server();
    ready.push((await server.start()).readyAfter);
    if (i === 6) {
      await pause(3000);
      report("server's resident memory, idle", memoryOf(server.pid), "MB", BUDGET_MB, "the budget; aim 1");
      await firstLoad(server);
    }
    await server.remove();
  }
  report("start to ready", median(ready), "ms", floor, "pitlane --version; aim 300 ms");
}

/** Bytes on the wire until the page is idle, of everything but Monaco. */
async function firstLoad(server) {
  const browser = await chromium.launch({
    executablePath: process.env.PITLANE_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const page = await browser.newPage();
  const sizes = new Map();
  const client = await page.context().newCDPSession(page);
  await client.send("Network.enable");
  const addresses = new Map();
  client.on("Network.responseReceived", (event) => addresses.set(event.requestId, event.response.url));
  client.on("Network.loadingFinished", (event) => {
    sizes.set(addresses.get(event.requestId), event.encodedDataLength);
  });
  await server.signIn(page);
  sizes.clear();
  await client.send("Network.setCacheDisabled", { cacheDisabled: true });
  await page.goto(server.url, { waitUntil: "networkidle" });
  await browser.close();
  let bytes = 0;
  for (const [address, size] of sizes) {
    if (!/woff2?$/.test(address)) bytes += size;
    else say(`font, not counted: ${size} bytes ${address}`);
  }
  report("first page load, without fonts", bytes / 1000, "KB", BUDGET_KB, "the budget; aim 1");
}
