// Schedules: written, shown with their next times, switched off by a click.
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

test("a schedule shows when it is due next, is changed, switched off, and listed", async ({ page, expected }) => {
  const studio = await Studio.create(page, "every morning", { "agent.py": "print('good morning')\n" });
  await page.getByRole("button", { name: "Settings of this agent" }).click();
  await page.getByRole("link", { name: "Schedules and webhook" }).click();
  await expect(page.getByRole("heading", { name: "Schedules of every morning" })).toBeVisible();
  await expect(page.getByText("No schedules yet")).toBeVisible();

  const add = page.getByRole("region", { name: "Add a schedule" });
  await add.getByLabel("Name").fill("new year");
  await add.getByLabel("Cron").fill("30 9 1 1 *");
  await add.getByLabel("Time zone").fill("Europe/Berlin");
  await expect(add.getByRole("listitem")).toHaveCount(5);
  await expect(add.getByRole("listitem").first()).toHaveText(/\d{4}-01-01 09:30 CET/);

  // What cannot be is told as it is typed, and when it is sent.
  expected.push(/422 .*(preview|create)_schedule/, /status of 422/);
  await add.getByLabel("Cron").fill("0 0 30 2 *");
  await expect(add.getByText("never comes")).toBeVisible();
  await add.getByRole("button", { name: "Add the schedule" }).click();
  await expect(add.getByRole("alert")).toContainText("never comes");
  await add.getByLabel("Cron").fill("30 9 1 1 *");
  await add.getByLabel("When the former run goes on").selectOption("stop the former run");
  await add.getByRole("button", { name: "Add the schedule" }).click();

  const row = page.getByRole("region", { name: "new year" });
  await expect(row.getByRole("listitem")).toHaveCount(5);
  await expect(row).toContainText("30 9 1 1 * in Europe/Berlin");
  await row.getByRole("button", { name: "Details of new year" }).click();
  await expect(row.getByText("It has not been due yet.")).toBeVisible();
  await expect(row.getByLabel("When the former run goes on")).toHaveValue("stop_former");
  // No time of the day at which this test runs makes it due.
  await row.getByLabel("Cron").fill("@yearly");
  await row.getByRole("button", { name: "Save the changes" }).click();
  await expect(row).toContainText("@yearly in Europe/Berlin");

  await row.getByRole("button", { name: "Switch off new year" }).click();
  await expect(row.getByText("off", { exact: true })).toBeVisible();
  await expect(row.getByRole("listitem")).toHaveCount(0);

  await page.goto("/settings");
  await page.getByRole("link", { name: "Schedules", exact: true }).click();
  const listed = page.getByRole("row").filter({ hasText: "every morning" });
  await expect(listed).toContainText("off");
  await listed.getByRole("button", { name: "Switch on new year of every morning" }).click();
  await expect(listed).toContainText(/\d{4}-01-01 00:00/);
  await listed.getByRole("link", { name: "every morning" }).click();
  await row.getByRole("button", { name: "Details of new year" }).click();
  await row.getByRole("button", { name: "Delete the schedule" }).click();
  await expect(page.getByText("No schedules yet")).toBeVisible();
  expect(await studio.runs()).toEqual([]);
});

test("a schedule that is due runs the agent", async ({ page }) => {
  test.setTimeout(240_000);
  const studio = await Studio.create(page, "every minute", { "agent.py": "print('tick')\n" });
  await page.goto(`/agents/${studio.slug}/schedules`);
  const add = page.getByRole("region", { name: "Add a schedule" });
  await add.getByLabel("Name").fill("minutely");
  await add.getByLabel("Cron").fill("* * * * *");
  await add.getByRole("button", { name: "Add the schedule" }).click();
  await expect(page.getByRole("region", { name: "minutely" })).toBeVisible();
  await expect.poll(async () => (await studio.runs()).length, { timeout: 90_000 }).toBeGreaterThan(0);
  const row = page.getByRole("region", { name: "minutely" });
  const started = row.getByRole("link", { name: "started a run" }).first();
  // The run is there a moment before the schedule says that it started one.
  await expect(async () => {
    await page.reload();
    await row.getByRole("button", { name: "Details of minutely" }).click();
    await expect(started).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await started.click();
  await expect(page.getByText("schedule minutely")).toBeVisible();
  // The tests after this one have the server to themselves.
  await page.goto(`/agents/${studio.slug}/schedules`);
  await row.getByRole("button", { name: "Details of minutely" }).click();
  await row.getByRole("button", { name: "Delete the schedule" }).click();
  await expect(page.getByText("No schedules yet")).toBeVisible();
});
