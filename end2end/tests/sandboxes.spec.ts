// The Sandboxes page: provider against ledger, what differs, and what a person
// does about it.
import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

const WAITS = "import time\nprint('standing')\ntime.sleep(300)\n";

/** A sandbox's row, by the beginning of its id. */
const row = (page: Page, id: string): Locator => page.getByRole("row").filter({ hasText: id.slice(0, 8) });

test("from nothing to a run, and back to nothing", async ({ own: { page } }) => {
  await page.goto("/");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Sandboxes" }).click();
  await expect(page.getByRole("heading", { name: "Sandboxes" })).toBeVisible();
  await expect(page.getByText("No sandboxes")).toBeVisible();
  await expect(page.getByText("Embedded engine", { exact: true })).toBeVisible();
  await expect(page.getByText("0 at the provider")).toBeVisible();
  await expect(page.getByText("0 in the ledger")).toBeVisible();
  const studio = await Studio.create(page, "standing", { "agent.py": WAITS });
  await studio.start();
  await expect(studio.line("standing")).toBeVisible();
  await page.goto("/sandboxes");
  const own = page.getByRole("row").filter({ hasText: "standing" });
  await expect(own).toContainText("Started");
  await expect(own).toContainText("Running");
  await expect(own).toContainText("1 vCPU, 1 GiB, 3 GiB disk");
  await expect(page.getByText("1 at the provider")).toBeVisible();
  await expect(page.getByText("1 in the ledger")).toBeVisible();
  await expect(own.getByRole("link", { name: "Run 1" })).toHaveAttribute("href", /\/runs\//);
  // Stopping ends the run; its sandbox goes with it, and the page follows by itself.
  await own.getByRole("button", { name: /^Stop/ }).click();
  await expect(page.getByText(/The run in sandbox .* was told to end/)).toBeVisible();
  await expect(page.getByText("No sandboxes")).toBeVisible({ timeout: 30_000 });
  // The sandbox is gone a moment before the run's end is written.
  await expect.poll(async () => (await studio.runs())[0]?.state, { timeout: 30_000 }).toBe("stopped");
});

test("deleting a sandbox stops the run in it first, and asks before", async ({ own: { server, page } }) => {
  const studio = await Studio.create(page, "deleted", { "agent.py": WAITS });
  await studio.start();
  await expect(studio.line("standing")).toBeVisible();
  await page.goto("/sandboxes");
  const own = page.getByRole("row").filter({ hasText: "deleted" });
  const ask = own.getByRole("button", { name: /^Delete/ });
  await ask.click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Run 1 of deleted goes on in it. The run is stopped first");
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await expect(dialog).toBeHidden();
  await expect(ask).toBeFocused();
  expect((await studio.runs())[0]?.state).toBe("running");
  await ask.click();
  await dialog.getByRole("button", { name: "Stop the run and delete" }).click();
  await expect(page.getByText(/Sandbox .* is deleted\./)).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("No sandboxes")).toBeVisible();
  // The sandbox is gone a moment before the run's end is written.
  await expect.poll(async () => (await studio.runs())[0]?.state, { timeout: 30_000 }).toBe("stopped");
  expect((await server.callEngine("GET", "/sandbox")).items).toEqual([]);
});

test("a sandbox that is kept between runs is agreed upon, with the time it has", async ({ own: { page } }) => {
  const studio = await Studio.create(page, "kept", { "agent.py": "print('done')\n" });
  await studio.settings({ keep_minutes: 15 });
  await studio.open();
  await studio.start();
  await expect(studio.line("Exited with code 0")).toBeVisible();
  await studio.finished();
  await page.goto("/sandboxes");
  const own = page.getByRole("row").filter({ hasText: "kept" });
  await expect(own).toContainText(/Kept for 1[45] min/);
  await expect(own.getByRole("button", { name: /^Stop/ })).toHaveCount(0);
  await own.getByRole("button", { name: /^Delete/ }).click();
  await expect(page.getByRole("dialog")).toContainText("It stands ready for the next run of kept");
  await page.getByRole("dialog").getByRole("button", { name: "Delete the sandbox" }).click();
  await expect(page.getByText("No sandboxes")).toBeVisible({ timeout: 30_000 });
});

test("an archived sandbox rests, and restored the next run finds its files in it", async ({ own: { server, page } }) => {
  const program =
    "from pathlib import Path\nnote = Path('note.txt')\nprint('found' if note.exists() else 'nothing yet')\nnote.write_text('a note')\n";
  const studio = await Studio.create(page, "resting", { "agent.py": program });
  await studio.settings({ keep_minutes: 15 });
  await studio.open();
  await studio.start();
  await expect(studio.line("nothing yet")).toBeVisible();
  await studio.finished();
  await page.goto("/sandboxes");
  const own = page.getByRole("row").filter({ hasText: "resting" });
  await own.getByRole("button", { name: /^Archive/ }).click();
  await expect(page.getByText(/Sandbox .* is archived/)).toBeVisible({ timeout: 30_000 });
  await expect(own).toContainText("Archived for 30 days");
  await expect(own.getByRole("button", { name: /^Archive/ })).toHaveCount(0);
  expect((await server.callEngine("GET", "/sandbox")).items).toMatchObject([{ state: "archived" }]);
  await own.getByRole("button", { name: /^Restore/ }).click();
  await expect(page.getByText(/Sandbox .* stands ready for the next run/)).toBeVisible({ timeout: 30_000 });
  await expect(own).toContainText(/Kept for 1[45] min/);
  await studio.open();
  await studio.start();
  await expect(studio.line("found")).toBeVisible();
  await studio.finished();
  await page.goto("/sandboxes");
  await expect(own).toContainText("Started");
  await expect(own).toContainText(/Kept for 1[45] min/);
});

test("what somebody left at the engine under our label is found, and deleted", async ({ own: { server, page } }) => {
  const make = async (labels: Record<string, string>) =>
    (await server.callEngine("POST", "/sandbox", { labels, cpu: 1, memory: 1, disk: 1 })).id as string;
  const left = await make({ "pitlane.instance": server.instance });
  const another = await make({ "pitlane.instance": "somebody-else" });
  await page.goto("/sandboxes");
  await expect(row(page, left)).toContainText("No row");
  await expect(row(page, left)).toContainText("Of no agent");
  await expect(row(page, left)).toContainText("Unknown to the ledger, of this installation: deleted in");
  await expect(row(page, another)).toHaveCount(0);
  await expect(page.getByText("1 at the provider")).toBeVisible();
  await expect(page.getByText("0 in the ledger")).toBeVisible();
  await expect(page.getByText("1 differs")).toBeVisible();
  // A round by hand does not delete it yet: a row may be on its way. It says that it looked.
  await page.getByRole("button", { name: "Look again now" }).click();
  await expect(page.getByText("Last round just now")).toBeVisible();
  await expect(row(page, left)).toBeVisible();
  await row(page, left).getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete the sandbox" }).click();
  await expect(page.getByText("No sandboxes")).toBeVisible({ timeout: 30_000 });
  const there = (await server.callEngine("GET", "/sandbox")).items as { id: string }[];
  expect(there.map((sandbox) => sandbox.id)).toEqual([another]);
});

test("the engine gone: the ledger\u2019s part is shown, and that it is only that", async ({ own: { server, page } }) => {
  const studio = await Studio.create(page, "lonely", { "agent.py": WAITS });
  await studio.start();
  await expect(studio.line("standing")).toBeVisible();
  await page.goto("/sandboxes");
  await expect(page.getByRole("row").filter({ hasText: "lonely" })).toContainText("Started");
  // Held, not killed: a new one would take its place.
  process.kill(server.enginePid, "SIGSTOP");
  try {
    await expect(page.getByRole("alert")).toContainText("The provider cannot be asked now", { timeout: 30_000 });
    const own = page.getByRole("row").filter({ hasText: "lonely" });
    await expect(own).toContainText("Not known: the provider could not be asked.");
    await expect(own).toContainText("Running");
  } finally {
    process.kill(server.enginePid, "SIGCONT");
  }
  await expect(page.getByRole("alert").filter({ hasText: "cannot be asked" })).toHaveCount(0, { timeout: 30_000 });
});

test("the server gone: the page says that what it shows may be old", async ({ own: { server, page } }) => {
  await page.goto("/sandboxes");
  await expect(page.getByText("No sandboxes")).toBeVisible();
  await server.stop("SIGKILL");
  await expect(page.getByRole("alert")).toContainText("What is shown may be old.", { timeout: 30_000 });
  await server.start();
  await expect(page.getByText("What is shown may be old.")).toHaveCount(0, { timeout: 30_000 });
});

for (const theme of ["dark", "light"] as const) {
  test(`readable by everybody, wide and narrow, ${theme}`, async ({ own: { server, page } }) => {
    await page.emulateMedia({ colorScheme: theme });
    await server.callEngine("POST", "/sandbox", { labels: { "pitlane.instance": server.instance } });
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 844 });
      await page.goto("/sandboxes");
      await expect(page.getByRole("row").filter({ hasText: "No row" })).toBeVisible();
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
  });
}
