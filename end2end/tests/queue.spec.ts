// More runs than places: who waits is told its place, and its turn comes.
import { expect, test } from "../support/test.ts";
import { Server } from "../support/server.mjs";
import { Studio } from "../support/studio.ts";

test("a run that waits says its place in the line and why, and has its turn", async ({ browser }) => {
  const server = new Server({ PITLANE_CONCURRENCY: "1" });
  await server.start();
  const context = await browser.newContext({ baseURL: server.url, storageState: undefined });
  const page = await context.newPage();
  try {
    await server.signIn(page);
    const first = await Studio.create(page, "first", { "agent.py": "print('begun')\ninput()\n" });
    await first.start();
    await expect(first.line("begun")).toBeVisible();
    const other = await context.newPage();
    const second = await Studio.create(other, "second", { "agent.py": "print('my turn')\n" });
    await second.start();
    const waits = other.getByRole("status").filter({ hasText: "Waits for its turn" });
    await expect(waits).toHaveText("Waits for its turn, number 1 in the line: 1 run is under way, as many as may be at once.");
    await first.button.click();
    await expect(second.line("my turn")).toBeVisible();
    await expect(waits).toHaveCount(0);
  } finally {
    await context.close().finally(() => server.remove());
  }
});
