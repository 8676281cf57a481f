// Everybody can use it: with the keyboard alone, on a telephone, in both
// themes, and without a session nobody can.
import AxeBuilder from "@axe-core/playwright";
import { expect, owner, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

for (const theme of ["dark", "light"] as const) {
  test(`axe finds nothing on any page, ${theme}`, async ({ page, browser, server, expected }) => {
    expected.push(/404 .*nothing-here/);
    test.setTimeout(300_000);
    await page.emulateMedia({ colorScheme: theme });
    const studio = await Studio.create(page, `axe ${theme}`, { "agent.py": "import sys\nprint('\\x1b[32mgreen\\x1b[0m')\nprint('red', file=sys.stderr)\nraise SystemExit(1)\n" });
    await studio.start();
    await studio.finished();
    const [run] = await studio.runs();
    const paths = ["/", "/agents/new", `/agents/${studio.slug}`, `/runs/${run?.id}`, "/sandboxes", "/settings", "/settings/members", "/settings/secrets", "/nothing-here"];
    for (const path of paths) {
      await page.goto(path);
      if (path.startsWith(`/agents/${studio.slug}`)) await studio.ready();
      await page.waitForTimeout(300);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), path).toEqual([]);
    }
    const stranger = await browser.newContext({ baseURL: server.url, storageState: undefined, colorScheme: theme });
    const outside = await stranger.newPage();
    await outside.goto("/sign-in");
    const { violations } = await new AxeBuilder({ page: outside }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
    await stranger.close();
  });
}

test("the main job with the keyboard alone", async ({ page }) => {
  await page.goto("/agents/new");
  const name = page.getByRole("textbox", { name: "Name" });
  await tabTo(page, name);
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/agents\/by-keyboard/);
  const studio = new Studio(page, "", "by-keyboard");
  await studio.ready();
  await tabTo(page, studio.button);
  await page.keyboard.press("Enter");
  await expect(studio.line(/Exited with code 0/)).toBeVisible();
  await studio.finished();
  await expect(studio.button).toBeFocused();
});

async function tabTo(page: import("@playwright/test").Page, target: import("@playwright/test").Locator): Promise<void> {
  for (let i = 0; i < 60; i += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("the Tab key never came there");
}

test("on a telephone: code as plain text, run, log", async ({ page }) => {
  const studio = await Studio.create(page, "telephone", { "agent.py": "print('small screen')\n" });
  await page.setViewportSize({ width: 390, height: 800 });
  await page.reload();
  await expect(page.locator(".monaco-editor")).toHaveCount(0);
  await page.getByRole("button", { name: "Code", exact: true }).click();
  const text = page.getByRole("textbox", { name: /agent\.py/ });
  await expect(text).toHaveValue("print('small screen')\n");
  await text.fill("print('typed on a telephone')\n");
  await studio.start();
  await expect(studio.line("typed on a telephone")).toBeVisible();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(390);
});

test("without a session there is only the way in", async ({ browser, server }) => {
  const context = await browser.newContext({ baseURL: server.url, storageState: undefined });
  const page = await context.newPage();
  await page.goto("/settings");
  await expect(page).toHaveURL(/\/sign-in\?next=(\/|%2F)settings/);
  expect((await context.request.get("/api/events")).status()).toBe(401);
  await page.getByLabel("Name").fill(owner.name);
  await page.getByLabel("Password").fill("wrong password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByLabel("Password").fill(owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/\/settings$/);
  // A one-time link is good once.
  const second = await context.request.get(server.signInLink, { maxRedirects: 0 });
  expect(second.headers().location).toContain("/sign-in");
  await context.close();
});

test("pages say something without JavaScript", async ({ browser, server, storageState }) => {
  const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled: false, storageState });
  const page = await context.newPage();
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Agents" })).toBeVisible();
  await expect(page.getByText("Streaming hello").first()).toBeVisible();
  await context.close();
});
