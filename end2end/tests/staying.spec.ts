// Nothing is lost: reloads, two tabs, a server that goes away, an engine that dies.
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

const COUNT = "import time\nfor i in range(300):\n    print(f'line {i:03}')\n    time.sleep(0.02)\n";

test("a reload in the middle of a run loses and doubles no line", async ({ page }) => {
  const studio = await Studio.create(page, "reload", { "agent.py": COUNT });
  await studio.start();
  // One of the lines in view: those before have left it already.
  await expect(studio.line(/line (0[6-9]|[12]\d)\d/)).toBeVisible();
  await page.reload();
  await studio.ready();
  await expect(studio.line("line 299")).toBeVisible();
  await studio.finished();
  const expected = Array.from({ length: 300 }, (_, i) => `line ${String(i).padStart(3, "0")}\n`).join("");
  expect(await studio.log()).toBe(expected);
  // The panel itself, from top to bottom, as a person would scroll through it.
  const shown = await wholePanel(studio);
  expect(shown.filter((text) => /line \d{3}/.test(text))).toEqual(expected.trim().split("\n"));
});

/** All rows of the panel, gathered by scrolling through it: there are elements only for those in view. */
async function wholePanel(studio: Studio): Promise<string[]> {
  const rows = new Map<number, string>();
  const scroller = studio.page.getByRole("log");
  for (let top = 0, end = false; !end; top += 200) {
    end = await scroller.evaluate((element, top) => {
      element.scrollTop = top;
      return element.scrollTop + element.clientHeight >= element.scrollHeight - 1;
    }, top);
    await studio.page.waitForFunction(rowsReachAcross);
    const seen = await scroller.evaluate((element) => {
      const above = element.querySelector(".log-canvas")?.getBoundingClientRect().top ?? 0;
      return [...element.querySelectorAll<HTMLElement>(".log-row")]
        .filter((row) => row.offsetHeight > 0)
        .map((row): [number, string] => [
          Math.round(row.getBoundingClientRect().top - above),
          row.querySelector("span")?.textContent ?? "",
        ]);
    });
    for (const [place, text] of seen) rows.set(place, text);
  }
  return [...rows.entries()].sort(([a], [b]) => a - b).map(([, text]) => text);
}

/** Whether rows are drawn for all that the panel shows where it is scrolled to. In the page. */
function rowsReachAcross(): boolean {
  const scroller = document.querySelector('[role="log"]');
  if (!scroller) return false;
  const view = scroller.getBoundingClientRect();
  const canvas = scroller.querySelector(".log-canvas")?.getBoundingClientRect() ?? view;
  const rows = [...scroller.querySelectorAll<HTMLElement>(".log-row")]
    .filter((row) => row.offsetHeight > 0)
    .map((row) => row.getBoundingClientRect())
    .sort((a, b) => a.top - b.top);
  const top = Math.max(view.top, canvas.top);
  const bottom = Math.min(view.bottom, canvas.bottom);
  let reached = top + 1;
  for (const row of rows) if (row.top <= reached) reached = Math.max(reached, row.bottom + 1);
  return reached >= bottom;
}

test("closing the tab does not end the run", async ({ page, context }) => {
  const studio = await Studio.create(page, "closing", { "agent.py": "import time\ntime.sleep(10)\nprint('still here')\n" });
  await studio.start();
  await expect(studio.button).toHaveText(/Stop/);
  await page.close();
  const again = new Studio(await context.newPage(), studio.agent, studio.slug);
  await again.open();
  await expect(again.line("still here")).toBeVisible({ timeout: 45_000 });
  await again.finished();
  expect((await again.runs())[0]?.state).toBe("succeeded");
});

test("two tabs on one file never overwrite each other silently", async ({ page, context }) => {
  const one = await Studio.create(page, "two tabs", { "agent.py": "print('first')\n" });
  const other = new Studio(await context.newPage(), one.agent, one.slug);
  await other.open();
  // The second tab is held back from hearing of the first one's save.
  await other.page.route("**/fn/{list_files,read_file}", (route) => route.abort());
  await one.type("print('from one')\n");
  await expect.poll(() => one.saved("agent.py")).toContain("from one");
  await other.page.bringToFront();
  await other.type("print('from the other')\n");
  await other.page.unroute("**/fn/{list_files,read_file}");
  await expect(other.page.getByText("was also changed elsewhere")).toBeVisible();
  expect(await one.saved("agent.py")).toContain("from one");
  await other.page.getByRole("button", { name: "Show difference" }).click();
  await expect(other.page.getByText("+ print('from the other')")).toBeVisible();
  await other.page.keyboard.press("Escape");
  await other.page.getByRole("button", { name: "Keep mine" }).click();
  await expect.poll(() => one.saved("agent.py")).toContain("from the other");
});

test("typing while the server is gone is kept, and saved when it is back", async ({ own: { server, page } }) => {
  const studio = await Studio.create(page, "offline", { "agent.py": "print('before')\n" });
  await server.stop("SIGKILL");
  await studio.type("print('typed offline')\n");
  await expect(page.getByTestId("save-state")).toHaveText("Offline, kept in this browser");
  await server.start();
  await expect(page.getByTestId("save-state")).toHaveText("Saved", { timeout: 30_000 });
  expect(await studio.saved("agent.py")).toContain("typed offline");
  await studio.start();
  await expect(studio.line("typed offline")).toBeVisible();
});

test("the engine killed in the middle of a run is told truthfully", async ({ own: { server, page } }) => {
  const studio = await Studio.create(page, "engine", { "agent.py": "import time\nprint('started')\ntime.sleep(120)\n" });
  await studio.start();
  await expect(studio.line("started")).toBeVisible();
  process.kill(server.enginePid, "SIGKILL");
  await studio.finished(60_000);
  expect((await studio.runs())[0]?.state).toBe("lost");
  // A new engine serves the next run.
  await studio.write("agent.py", "print('on the new engine')\n");
  await studio.open();
  await studio.start();
  await expect(studio.line("on the new engine")).toBeVisible({ timeout: 30_000 });
});

test("a page whose program does not arrive says so, and a reload starts it", async ({ page, expected }) => {
  expected.push(/net::ERR_FAILED/, /Failed to fetch/);
  await page.route("**/app_bg.wasm", (route) => route.abort());
  await page.goto("/settings/secrets");
  const told = page.getByRole("alert").filter({ hasText: "This page did not start" });
  await expect(told).toBeVisible();
  await page.unroute("**/app_bg.wasm");
  await told.getByRole("link", { name: "Reload" }).click();
  await expect(page.locator("html[data-started]")).toBeVisible();
  await expect(told).toBeHidden();
});
