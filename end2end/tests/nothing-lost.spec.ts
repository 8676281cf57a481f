// A run that prints 100,000 lines, and everything that can come between it and
// the person who watches: the page reloaded, the network gone, the server
// killed. The panel ends byte-exact, and has said what went on.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

const LINES = 100_000;
// From the middle on line by line until it is told to go on: whatever comes
// between finds it writing, however long that takes.
const PROGRAM = `import select, sys, time
told = False
for i in range(${LINES}):
    sys.stdout.write(f"line {i:06} of a long run \\u00e9\\n")
    if i >= ${LINES / 2} and not told:
        sys.stdout.flush()
        told = bool(select.select([sys.stdin], [], [], 0.1)[0])
    elif i % 1000 == 999:
        sys.stdout.flush()
        time.sleep(0.1)
`;
const OUTPUT = Array.from({ length: LINES }, (_, i) => `line ${String(i).padStart(6, "0")} of a long run \u00e9\n`).join("");
const sha256 = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex");

const LOST = "Connection lost. Trying again";
const BACK = "Connected again. The log goes on where it broke off.";
const RESTARTED = "Pitlane was restarted. The log goes on.";

test.setTimeout(300_000);

/** Starts the long run and waits until a part of it is shown. */
async function begin(studio: Studio): Promise<void> {
  await studio.start();
  await expect(studio.line(/line 0\d{5} of/)).toBeVisible({ timeout: 30_000 });
}

/** What the panel says of the connection. */
const said = (studio: Studio) => studio.page.locator(".log-connection").getByRole("status");

/** Tells the program to go on, waits for the end, and compares: what the panel shows, what it downloads, and the end record. */
async function endsByteExact(studio: Studio): Promise<void> {
  const { page } = studio;
  // A server that was just started may still be taking up the run.
  await expect(() => studio.tell("on\n")).toPass({ timeout: 30_000 });
  await studio.finished(90_000);
  await expect(studio.line("Exited with code 0")).toBeVisible({ timeout: 30_000 });
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download", exact: true }).click();
  const file = await (await download).path();
  expect(sha256(readFileSync(file))).toBe(sha256(OUTPUT));
  // The rows themselves, as they are copied out of the panel: without our own rows.
  const filter = page.getByRole("searchbox", { name: "Filter the log" });
  await filter.fill("stream:stdout");
  await expect(page.locator(".log-found")).toContainText("100,000", { timeout: 30_000 });
  const copy = page.getByTitle("Copy the selected lines, or all that are shown");
  // Its word stands for a moment only: what it says is noted as it says it.
  await copy.evaluate((element) => {
    new MutationObserver((_, watch) => {
      element.setAttribute("data-said", element.textContent ?? "");
      watch.disconnect();
    }).observe(element, { childList: true, characterData: true, subtree: true });
  });
  await page.evaluate(() => navigator.clipboard.writeText("nothing yet"));
  await copy.click();
  const copied = async () => sha256(`${await page.evaluate(() => navigator.clipboard.readText())}\n`);
  await expect.poll(copied, { timeout: 30_000 }).toBe(sha256(OUTPUT));
  await expect(copy).toHaveAttribute("data-said", "Copied", { timeout: 30_000 });
  // The browser hashed what came, and would have said that it differs.
  await filter.fill("This log is not");
  await expect(page.locator(".log-found")).toContainText(/^0/);
  await filter.fill("not kept");
  await expect(page.locator(".log-found")).toContainText(/^0/);
  await filter.fill("");
}

/** How many of our own rows say that Pitlane was restarted. */
async function restartsSaid(studio: Studio): Promise<void> {
  const filter = studio.page.getByRole("searchbox", { name: "Filter the log" });
  await filter.fill(RESTARTED);
  await expect(studio.line(RESTARTED)).toBeVisible();
  await filter.fill("");
}

test("reloaded in the middle of 100,000 lines", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const studio = await Studio.create(page, "long reload", { "agent.py": PROGRAM });
  await begin(studio);
  await page.reload();
  await studio.ready();
  await expect(studio.button).toHaveText(/Stop/);
  await expect(said(studio)).toBeHidden();
  await endsByteExact(studio);
});

test("the network gone and back in the middle of 100,000 lines", async ({ page, context, expected }) => {
  expected.push(/ERR_INTERNET_DISCONNECTED/);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const studio = await Studio.create(page, "long offline", { "agent.py": PROGRAM });
  await begin(studio);
  await context.setOffline(true);
  await expect(said(studio)).toHaveText(LOST, { timeout: 30_000 });
  await expect(page.getByLabel("Status")).toContainText("Connection lost, trying again");
  // It is the connection that is gone: of the run nothing else is claimed.
  await expect(studio.button).toHaveText(/Stop/);
  await page.waitForTimeout(1500);
  await context.setOffline(false);
  await expect(said(studio)).toHaveText(BACK, { timeout: 60_000 });
  await endsByteExact(studio);
  await expect(said(studio)).toBeHidden({ timeout: 20_000 });
});

test("the server killed and started again in the middle of 100,000 lines", async ({ own: { server, page } }) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const studio = await Studio.create(page, "long kill", { "agent.py": PROGRAM });
  await begin(studio);
  await server.stop("SIGKILL");
  await expect(said(studio)).toHaveText(LOST, { timeout: 30_000 });
  await server.start();
  // Side by side: it may try by itself, and says that it is back for a few seconds only.
  await Promise.all([
    expect(said(studio)).toHaveText(BACK, { timeout: 60_000 }),
    page.getByRole("button", { name: "Try now" }).click({ timeout: 5_000 }).catch(() => {
      // It tried by itself meanwhile.
    }),
  ]);
  await endsByteExact(studio);
  await restartsSaid(studio);
  expect((await studio.runs())[0]).toMatchObject({ state: "succeeded", exit_code: 0 });
});

test("stopped politely, the server says so", async ({ own: { server, page } }) => {
  const studio = await Studio.create(page, "polite", { "agent.py": "import time\nprint('started')\ntime.sleep(60)\n" });
  await studio.start();
  await expect(studio.line("started")).toBeVisible();
  await server.stop("SIGTERM");
  await expect(said(studio)).toHaveText("The server was stopped. Trying again");
  await expect(page.getByLabel("Status")).toContainText("Server stopped, trying again");
});

test("a server that says nothing any more is noticed, though its connection stands", async ({ own: { server, page } }) => {
  const studio = await Studio.create(page, "silent", { "agent.py": "print('asking', flush=True)\nprint('answer: ' + input())\n" });
  await studio.start();
  await expect(studio.line("asking")).toBeVisible();
  process.kill(server.pid, "SIGSTOP");
  try {
    await expect(said(studio)).toHaveText(LOST, { timeout: 90_000 });
  } finally {
    process.kill(server.pid, "SIGCONT");
  }
  await expect(said(studio)).toHaveText(BACK, { timeout: 60_000 });
  await page.getByRole("textbox", { name: "Input" }).fill("still there");
  await page.keyboard.press("Enter");
  await studio.finished();
  expect(await studio.log()).toBe("asking\nanswer: still there\n");
});

test("all of it together in the middle of 100,000 lines", async ({ own: { server, page } }) => {
  const context = page.context();
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const studio = await Studio.create(page, "long storm", { "agent.py": PROGRAM });
  await begin(studio);
  await page.reload();
  await studio.ready();
  await context.setOffline(true);
  await expect(said(studio)).toHaveText(LOST, { timeout: 30_000 });
  await server.stop("SIGKILL");
  await server.start();
  await context.setOffline(false);
  await expect(said(studio)).toHaveText(BACK, { timeout: 60_000 });
  await server.stop("SIGKILL");
  await expect(said(studio)).toHaveText(LOST, { timeout: 30_000 });
  await server.start();
  await page.reload();
  await studio.ready();
  await endsByteExact(studio);
  await restartsSaid(studio);
  expect((await studio.runs())[0]).toMatchObject({ state: "succeeded", exit_code: 0 });
  expect(await studio.runs()).toHaveLength(1);
});
