// From the press of Start Building to the first line of the program on the
// screen, in a fresh sandbox each time, as the browser itself measures it. The
// floor is a bare start of Python and two frames of a 60 Hz display.
import { chromium } from "@playwright/test";
import { Server } from "../support/server.mjs";
import { percentile, pythonStart, report, say } from "./measure.mjs";

const ROUNDS = 30;
const TWO_FRAMES = 33;

export async function firstLine() {
  say("press to first painted line");
  const server = new Server();
  await server.start();
  const browser = await chromium.launch({
    executablePath: process.env.PITLANE_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await server.signIn(page);
    const floor = pythonStart() + TWO_FRAMES;
    await newAgent(page);
    const times = [];
    for (let i = 0; i < ROUNDS; i += 1) times.push(await press(page, `first line of press ${i}`));
    for (const p of [50, 95]) {
      report(`press to first painted line, p${p}`, percentile(times, p), "ms", floor, "python3 + 33 ms; aim 2");
    }
  } finally {
    await browser.close();
    await server.remove();
  }
}
