// The audit log: what was done is there, is found, and can be taken away and checked.
import AxeBuilder from "@axe-core/playwright";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

const binary = process.env.PITLANE_BINARY ?? path.resolve(import.meta.dirname, "../../target/debug/pitlane");

test("what somebody does is written down, found, exported and checked", async ({ own: { server, page } }) => {
  await Studio.create(page, "watched", { "agent.py": "print(1)\n" });
  await page.goto("/settings/secrets");
  const add = page.getByRole("region", { name: "Add a secret" });
  await add.getByLabel("Name, such as API_KEY").fill("AUDITED_KEY");
  await add.getByLabel("Value").fill("never-in-the-log-1234");
  await add.getByRole("button", { name: "Save the secret" }).click();
  await expect(page.getByRole("row").filter({ hasText: "AUDITED_KEY" })).toBeVisible();

  await page.goto("/settings");
  await page.getByRole("main").getByRole("link", { name: "Audit log" }).click();
  const rows = page.getByRole("row");
  await expect(rows.filter({ hasText: "added a secret" })).toContainText("secret AUDITED_KEY");
  await expect(rows.filter({ hasText: "made an agent" })).toContainText("agent watched");
  await expect(rows.filter({ hasText: "saved a file" }).first()).toContainText("file agent.py");
  await expect(rows.filter({ hasText: "added a secret" })).toContainText("ada");
  await expect(rows.filter({ hasText: "added a secret" })).toContainText("127.0.0.1");
  expect(await page.content()).not.toContain("never-in-the-log-1234");
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  await page.locator('select[name="action"]').selectOption("Secrets");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page).toHaveURL(/action=secret/);
  await expect(rows.filter({ hasText: "added a secret" })).toBeVisible();
  await expect(rows.filter({ hasText: "made an agent" })).toHaveCount(0);
  await page.locator('input[name="who"]').fill("nobody of this name");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByText("No record fits")).toBeVisible();
  await page.getByRole("link", { name: "Clear" }).click();
  await expect(rows.filter({ hasText: "made an agent" })).toBeVisible();

  // More than a page.
  const studio = await Studio.create(page, "busy", {});
  for (let count = 0; count < 60; count += 1) await studio.write("notes.txt", `note ${count}\n`);
  await page.goto("/settings/audit");
  await expect(rows.filter({ hasText: "made an agent" }).filter({ hasText: "watched" })).toHaveCount(0);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(rows.filter({ hasText: "added a secret" })).toBeVisible();
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(page.getByRole("link", { name: "Older" })).toBeVisible();

  const href = await page.getByRole("link", { name: "Export JSON lines" }).getAttribute("href");
  const exported = await (await page.request.get(href ?? "")).text();
  expect(exported.trim().split("\n").length).toBeGreaterThan(60);
  const file = path.join(server.data, "audit.jsonl");
  writeFileSync(file, exported);
  const run = (...args: string[]): string => execFileSync(binary, args, { cwd: server.data, encoding: "utf8" });
  expect(run("audit", "verify", "--file", file)).toContain("are as they were written");
  expect(run("audit", "verify", "--data", path.join(server.data, "data"))).toContain("are as they were written");
  writeFileSync(file, exported.replace("AUDITED_KEY", "ANOTHER_KEY"));
  expect(() => run("audit", "verify", "--file", file)).toThrow(/was changed after it was written/);
});
