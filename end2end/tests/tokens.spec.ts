// Tokens: made once, copied, used by a program, and over when revoked or late.
import { execFileSync } from "node:child_process";
import { expect, test } from "../support/test.ts";

test.use({ permissions: ["clipboard-read", "clipboard-write"] });

test("a token is made, copied, used in a real request, and revoked", async ({ page, server }) => {
  await page.goto("/settings/tokens");
  await expect(page.getByText("No tokens yet")).toBeVisible();
  const make = page.getByRole("region", { name: "Make a token" });
  await make.getByRole("button", { name: "Make the token" }).click();
  await expect(make.getByLabel("What it is for")).toBeFocused();
  await make.getByLabel("What it is for").fill("nightly");
  await make.getByLabel("It lasts").selectOption("7 days");
  await make.getByRole("checkbox", { name: /^run/ }).uncheck();
  await make.getByRole("button", { name: "Make the token" }).click();
  const shown = make.getByLabel("The new token");
  await expect(shown).toHaveValue(/^plt_[0-9A-Za-z]{50}$/);
  await make.getByRole("button", { name: "Copy" }).click();
  await expect(make.getByRole("button", { name: "Copied" })).toBeVisible();
  const token = await page.evaluate(() => navigator.clipboard.readText());
  expect(token).toBe(await shown.inputValue());

  const row = page.getByRole("row").filter({ hasText: "nightly" });
  await expect(row).toContainText("read");
  await expect(row).toContainText("never");
  await expect(row).toContainText("in 7 days");

  // As a program has it: without the browser's cookies.
  const ask = (address: string, method = "GET") =>
    fetch(`${server.url}${address}`, { method, headers: { authorization: `Bearer ${token}` } });
  const who = await ask("/api/session");
  expect([who.status, await who.text()]).toEqual([200, '{"name":"ada"}']);
  const refused = await ask("/api/agents/scout/execute", "POST");
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain("lacks the scope run");

  await page.reload();
  await expect(row).toContainText("just now");
  expect(await page.content()).not.toContain(token);
  await row.getByRole("button", { name: "Revoke nightly" }).click();
  await expect(page.getByText("No tokens yet")).toBeVisible();
  expect((await ask("/api/session")).status).toBe(401);
});

test("a token whose time is over says so and opens nothing", async ({ page, server }) => {
  await page.goto("/settings/tokens");
  const make = page.getByRole("region", { name: "Make a token" });
  await make.getByLabel("What it is for").fill("short");
  await make.getByRole("button", { name: "Make the token" }).click();
  const token = await make.getByLabel("The new token").inputValue();
  // A week and a day go by.
  const script = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10).execute(\"update tokens set expires_at = 1 where name = 'short'\")";
  execFileSync("/usr/bin/python3", ["-c", script, `${server.data}/data/pitlane.db`]);
  await page.reload();
  const row = page.getByRole("row").filter({ hasText: "short" });
  await expect(row).toContainText("it is over");
  const answer = await fetch(`${server.url}/api/session`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(401);
  expect(await answer.text()).toContain("its time is over");
  await row.getByRole("button", { name: "Revoke short" }).click();
  await expect(row).toHaveCount(0);
});
