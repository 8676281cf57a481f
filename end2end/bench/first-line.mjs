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
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, baseURL: server.url });
    await server.signIn(page);
    const floor = pythonStart() + TWO_FRAMES;
    await newAgent(page);
    const times = [];
    for (let i = 0; i < ROUNDS; i += 1) times.push(await press(page));
    for (const p of [50, 95]) {
      report(`press to first painted line, p${p}`, percentile(times, p), "ms", floor, "python3 + 33 ms; aim 2");
    }
  } finally {
    await browser.close();
    await server.remove();
  }
}

/** An agent that prints one line, another each time; its studio is open afterwards. */
async function newAgent(page) {
  const call = async (name, options) => {
    const response = await page.request.post(`/fn/${name}`, {
      ...options,
      headers: { accept: "application/json", "sec-fetch-site": "same-origin" },
    });
    if (!response.ok()) throw new Error(`${name}: ${response.status()} ${await response.text()}`);
    return response.json();
  };
  const agent = await call("create_blank_agent", { form: { name: "first line", language: "python" } });
  const text = 'import time\nprint(f"first line {time.time_ns()}")\n';
  const [file] = await call("list_files", { data: { agent: agent.id } });
  await call("save_file", { data: { agent: agent.id, path: file.path, text, base: file.version } });
  await page.goto(`/agents/${agent.slug}`);
  await page.locator(".monaco-editor .view-lines").waitFor();
}

/** Presses the button, and returns the milliseconds until the frame after the line was put on the page. */
async function press(page) {
  const button = page.getByTestId("run-button");
  await button.filter({ hasText: "Start Building" }).waitFor();
  await page.waitForTimeout(400); // the warm pool fills up again
  await page.evaluate(() => {
    const lines = () => [...document.querySelectorAll(".log-row")].map((row) => row.textContent).filter((text) => text?.includes("first line "));
    const before = new Set(lines());
    window.painted = new Promise((resolve) => {
      let start = 0;
      addEventListener("click", (event) => (start = event.timeStamp), { capture: true, once: true });
      const observer = new MutationObserver(() => {
        if (!lines().some((line) => !before.has(line))) return;
        observer.disconnect();
        // After the next frame's callbacks the frame is painted.
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
      });
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    });
  });
  await button.click();
  return page.evaluate(() => window.painted);
}
