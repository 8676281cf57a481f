// Accounts: where one is signed in, a new password, an invitation, a link for a
// forgotten password, the end of an account, and the sign-in provider.
import AxeBuilder from "@axe-core/playwright";
import type { Browser, Page } from "@playwright/test";
import { expect, owner, test } from "../support/test.ts";
import { Server } from "../support/server.mjs";
import { client, startProvider } from "../support/oidc-provider.mjs";

async function stranger(browser: Browser, server: Server): Promise<Page> {
  const context = await browser.newContext({ baseURL: server.url, storageState: undefined });
  return context.newPage();
}

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname === "/");
}

async function axe(page: Page): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(300);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), page.url()).toEqual([]);
  }
}

test("sessions, a password, an invitation, a forgotten password, and the end of an account", async ({ own, browser }) => {
  test.setTimeout(180_000);
  const { server, page } = own;

  // Two browsers of one's own: the other one is seen, and signed out.
  const other = await stranger(browser, server);
  await signIn(other, owner.name, owner.password);
  await page.goto("/settings");
  await page.getByRole("link", { name: "Account", exact: true }).click();
  const sessions = page.getByRole("region", { name: "Where you are signed in" });
  await expect(sessions.getByRole("row")).toHaveCount(3);
  await expect(sessions.getByText("this browser")).toHaveCount(1);
  await axe(page);
  await sessions.getByRole("button", { name: /^Sign out Chrome/ }).click();
  await expect(sessions.getByRole("row")).toHaveCount(2);
  await other.goto("/settings");
  await expect(other).toHaveURL(/\/sign-in/);

  // A new password signs the others out, and not this one.
  await signIn(other, owner.name, owner.password);
  await page.getByLabel("Current password").fill("not this one");
  await page.getByLabel(/^New password/).fill("another horse battery");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "is another one" })).toBeVisible();
  await page.getByLabel("Current password").fill(owner.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("The password is changed")).toBeVisible();
  await other.goto("/settings");
  await expect(other).toHaveURL(/\/sign-in/);

  // An invitation makes an account, once.
  await page.goto("/settings/invitations");
  await page.getByLabel("For whom it is").fill("Grace");
  await page.getByRole("button", { name: "Make the invitation" }).click();
  const link = await page.getByLabel("The invitation\u2019s link").inputValue();
  expect(link).toContain(`${server.url}/invite/`);
  await axe(page);
  await other.goto(link);
  await expect(other.getByText("invites you to the team")).toBeVisible();
  await axe(other);
  await other.getByLabel("Name").fill("grace");
  await other.getByLabel("Password").fill("one two three four");
  await other.getByRole("button", { name: "Make the account and join" }).click();
  await other.waitForURL((url) => url.pathname === "/");
  await page.reload();
  await expect(page.getByRole("row").filter({ hasText: "Grace" })).toContainText("used by grace");
  const late = await stranger(browser, server);
  await late.goto(link);
  await expect(late.getByText("used or revoked")).toBeVisible();

  // A link for a new password.
  await page.goto("/settings/accounts");
  await page.getByRole("button", { name: "New password for grace" }).click();
  const reset = await page.getByLabel("The link for a new password").inputValue();
  await axe(page);
  await page.keyboard.press("Escape");
  await late.goto(reset);
  await late.getByLabel("New password").fill("five six seven eight");
  await axe(late);
  await late.getByRole("button", { name: "Save and sign in" }).click();
  await late.waitForURL((url) => url.pathname === "/");
  await other.goto("/settings");
  await expect(other, "signed out by the new password").toHaveURL(/\/sign-in/);

  // Disabled: out at once. Deleted: gone.
  await page.goto("/settings/accounts");
  await page.getByRole("button", { name: "Disable grace" }).click();
  await expect(page.getByRole("button", { name: "Enable grace" })).toBeVisible();
  await late.goto("/settings");
  await expect(late).toHaveURL(/\/sign-in/);
  await late.getByLabel("Name").fill("grace");
  await late.getByLabel("Password").fill("five six seven eight");
  await late.getByRole("button", { name: "Sign in" }).click();
  await expect(late.getByRole("alert").filter({ hasText: "disabled" })).toBeVisible();
  await page.getByRole("button", { name: "Delete grace" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete grace" }).click();
  await expect(page.getByRole("row").filter({ hasText: "grace" })).toHaveCount(0);
  await page.setViewportSize({ width: 390, height: 800 });
  for (const path of ["/settings/accounts", "/settings/account", "/settings/invitations"]) {
    await page.goto(path);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(390);
  }
});

test("signing in through an OpenID Connect provider", async ({ browser }) => {
  test.setTimeout(240_000);
  const provider = await startProvider();
  const server = new Server({
    PITLANE_OIDC_ISSUER: provider.issuer,
    PITLANE_OIDC_CLIENT_ID: client.id,
    PITLANE_OIDC_CLIENT_SECRET: client.secret,
    PITLANE_OIDC_NAME: "Example",
    PITLANE_OIDC_ALLOW: "example.com",
  });
  try {
    await server.start();
    const first = await stranger(browser, server);
    await server.signIn(first);
    const page = await stranger(browser, server);
    await page.goto("/sandboxes");
    await axe(page);
    await page.getByRole("link", { name: "Continue with Example" }).click();
    await page.getByLabel("Address").fill("ada@elsewhere.example");
    await page.getByRole("button", { name: "Continue" }).click();
    await expect(page.getByText("no account here")).toBeVisible();
    await page.context().clearCookies();
    await page.goto("/sandboxes");
    await page.getByRole("link", { name: "Continue with Example" }).click();
    await page.getByLabel("Address").fill("grace@example.com");
    await page.getByRole("button", { name: "Continue" }).click();
    await expect(page).toHaveURL(`${server.url}/sandboxes`);
    await page.goto("/settings/account");
    await expect(page.getByRole("region", { name: "Example" })).toContainText("grace@example.com");
    await expect(page.getByRole("region", { name: "Where you are signed in" })).toContainText("through the sign-in provider");
    // The owner connects theirs, and comes back with it.
    await first.goto("/settings/account");
    await first.getByRole("link", { name: "Connect Example" }).click();
    await first.getByLabel("Address").fill("boss@elsewhere.example");
    await first.getByRole("button", { name: "Continue" }).click();
    await expect(first.getByRole("region", { name: "Example" })).toContainText("boss@elsewhere.example");
    // The provider is away: one sentence, and passwords go on working.
    await provider.stop();
    await server.stop();
    await server.start();
    await page.context().clearCookies();
    await page.goto("/sign-in");
    await page.getByRole("link", { name: "Continue with Example" }).click();
    await expect(page.getByText("cannot be reached now")).toBeVisible();
    await expect(page.getByLabel("Password")).toBeVisible();
  } finally {
    await server.remove();
    await provider.stop().catch(() => undefined);
  }
});
