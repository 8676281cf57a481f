// Usage: what runs cost, by day, agent, member and run; a budget that warns and blocks.
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

/** Waits when the month is about to end: budgets and costs are by month, in UTC, and this test is about one. */
async function oneMonth(): Promise<void> {
  const now = new Date();
  const left = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1) - now.getTime();
  if (left < 180_000) await new Promise((resolve) => setTimeout(resolve, left + 1_000));
}

test("a run costs something, and a budget blocks the next until it is raised", async ({ own: { server, page } }) => {
  test.setTimeout(480_000);
  await oneMonth();
  await page.goto("/settings");
  await page.getByRole("main").getByRole("link", { name: "Usage" }).click();
  await expect(page.getByRole("heading", { name: "Usage", exact: true })).toBeVisible();
  await expect(page.getByText(/Nothing was used in/)).toBeVisible();
  await expect(page.getByText("$0.050400 an hour")).toBeVisible();

  const studio = await Studio.create(page, "spender", { "agent.py": "import time\nprint('spending')\ntime.sleep(1)\n" });
  await studio.start();
  await expect(studio.line("spending")).toBeVisible();
  await studio.finished();
  await expect(page.locator(".right-bar .run-cost")).toHaveText(/^\$0\.000[0-9]{3}$/);
  const [run] = await studio.runs();
  await page.goto(`/runs/${run?.id}`);
  await expect(page.locator(".head .run-cost")).toHaveText(/^\$0\.000[0-9]{3}$/);

  await page.goto("/settings/usage");
  const agents = page.getByRole("region", { name: "By agent" });
  await expect(agents.getByRole("row").filter({ hasText: "spender" })).toContainText("$0.000");
  await expect(page.getByRole("region", { name: "By member" }).getByRole("row").filter({ hasText: "ada" })).toBeVisible();
  await expect(page.getByRole("region", { name: "The dearest runs" }).getByRole("link", { name: "Run 1" })).toBeVisible();
  await expect(page.getByRole("img", { name: /Cost of each day in/ })).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  const csv = await page.request.get(await page.getByRole("link", { name: "Export as CSV" }).getAttribute("href") ?? "");
  expect(csv.headers()["content-type"]).toContain("text/csv");
  const lines = (await csv.text()).trim().split("\r\n");
  expect(lines[0]).toContain("started_at,ended_at");
  expect(lines.slice(1).every((line) => line.includes("spender"))).toBe(true);

  // A budget that is used up already.
  const budget = page.getByRole("region", { name: "Budget" });
  await budget.getByLabel(/A month may cost/).fill("a lot");
  await budget.getByRole("button", { name: "Set the budget" }).click();
  await expect(budget.getByRole("alert")).toContainText("is no amount of money");
  await budget.getByLabel(/A month may cost/).fill("0.000001");
  await budget.getByRole("button", { name: "Set the budget" }).click();
  await expect(page.getByText(/The team’s budget for .* is used up/).first()).toBeVisible();
  await page.goto(`/agents/${studio.slug}`);
  await studio.ready();
  await expect(page.getByRole("link", { name: /^Budget [0-9]+ %/ })).toBeVisible();
  await studio.start();
  await expect(page.getByText(/budget for .* is used up/).first()).toBeVisible();
  expect((await studio.runs()).length).toBe(1);

  await page.goto("/settings/usage");
  await page.getByLabel(/A month may cost/).fill("25");
  await page.getByRole("button", { name: "Set the budget" }).click();
  await expect(page.getByText(/of \$25\.00/)).toBeVisible();
  await studio.open();
  await studio.start();
  await expect(studio.line("spending")).toBeVisible();
  await studio.finished();

  // Months of the past are empty.
  await page.goto("/settings/usage");
  await page.getByRole("link", { name: /the month before/ }).click();
  await expect(page.getByText(/Nothing was used in/)).toBeVisible();
  await page.goto("/settings/usage?month=nonsense");
  await expect(page.getByRole("region", { name: "By agent" })).toBeVisible();
  expect(server.output).not.toContain("panicked");
});
