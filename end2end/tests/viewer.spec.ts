// A viewer looks at everything and changes nothing: what the server would refuse
// is not offered, and nothing a viewer presses makes it refuse.
import AxeBuilder from "@axe-core/playwright";
import type { Browser, Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";
import type { Server } from "../support/server.mjs";
import { Studio } from "../support/studio.ts";

const WHY = "Viewers may look, not change. Ask an admin of the team for another role.";

/** Calls one of the site's functions as its pages do. */
async function call(page: Page, name: string, options: { form?: Record<string, string>; data?: unknown }) {
  const headers = { accept: "application/json", "sec-fetch-site": "same-origin" };
  const response = await page.request.post(`/fn/${name}`, { ...options, headers });
  expect(response.ok(), `${name}: ${response.status()} ${await response.text()}`).toBe(true);
}

/** Somebody who was invited as a viewer, and what their pages complained of. */
async function viewer(owner: Page, browser: Browser, server: Server): Promise<{ page: Page; complaints: string[] }> {
  await owner.goto("/settings/invitations");
  await owner.getByLabel("For whom it is").fill("Vera");
  await owner.getByLabel("Role").selectOption("viewer");
  await owner.getByRole("button", { name: "Make the invitation" }).click();
  const link = await owner.getByLabel("The invitation\u2019s link").inputValue();

  const context = await browser.newContext({ baseURL: server.url, storageState: undefined });
  const complaints: string[] = [];
  context.on("console", (message) => {
    if (message.type() === "error") complaints.push(`${message.text()} ${message.location().url}`);
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  const page = await context.newPage();
  await page.goto(link);
  await page.getByLabel("Name").fill("vera");
  await page.getByLabel("Password").fill("one two three four");
  await page.getByRole("button", { name: "Make the account and join" }).click();
  await page.waitForURL((url) => url.pathname === "/");
  return { page, complaints };
}

/** What can be pressed, chosen or filled in on the page below the bar, by its name. */
async function active(page: Page): Promise<string[]> {
  await page.waitForLoadState("networkidle");
  return page.locator("main").evaluate((main) => {
    const controls = main.querySelectorAll<HTMLInputElement>("button, input, select, textarea, summary");
    return [...controls]
      .filter((control) => control.type !== "hidden" && !control.matches(":disabled") && control.checkVisibility())
      .map((control) => control.getAttribute("aria-label") ?? control.labels?.[0]?.innerText ?? control.innerText)
      .map((name) => name.trim().split("\n")[0] ?? "");
  });
}

async function axe(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), page.url()).toEqual([]);
}

test("a viewer is offered nothing that the server would refuse", async ({ own, browser }) => {
  test.setTimeout(180_000);
  const { server, page: owner } = own;
  const studio = await Studio.create(owner, "Scout", {
    "agent.py": "name = input('Who? ')\nprint('Hello', name)\n",
    "tools/search.py": "print(1)\n",
  });
  await call(owner, "add_secret", { form: { name: "API_KEY", value: "a value that is long" } });
  const schedule = { agent: studio.agent, name: "Mornings", cron: "0 9 * * *", zone: "UTC", missed: "skip", overlap: "skip" };
  await call(owner, "create_schedule", { form: schedule });
  await call(owner, "create_hook", { data: { agent: studio.agent } });
  await studio.start();
  await expect(owner.getByLabel("Input", { exact: true })).toBeVisible();

  const { page, complaints } = await viewer(owner, browser, server);
  const refused: string[] = [];
  page.on("response", (response) => {
    if (response.status() === 403) refused.push(new URL(response.url()).pathname);
  });

  for (const [address, offered] of [
    ["/", ["Find agents"]],
    ["/agents/new", []],
    ["/sandboxes", []],
    ["/settings", ["As the system", "Dark", "Light", "Sign out"]],
    ["/settings/members", ["Leave\u2026"]],
    ["/settings/secrets", []],
    ["/settings/tokens", ["What it is for", "It lasts", "read", "Make the token"]],
    ["/settings/usage", ["Month", "Show"]],
    ["/settings/schedules", []],
    [`/agents/${studio.slug}/schedules`, ["Details of Mornings"]],
  ] as const) {
    await page.goto(address);
    await expect(page.locator("h1")).toBeVisible();
    const found = await active(page);
    expect(found.map((name) => name.split(" agents, files")[0]), address).toEqual(offered);
    await axe(page);
    // The server's page, before any script: the same.
    const html = await (await page.request.get(address)).text();
    for (const word of ["Start blank", ">New agent</a>", "Save the secret", "Add the schedule", "Switch off"]) {
      expect(html.includes(word), `${word} in ${address}`).toBe(false);
    }
  }
  await page.goto("/agents/new");
  await expect(page.getByText(WHY)).toBeVisible();
  await page.goto("/sandboxes");
  await expect(page.getByRole("button", { name: "Look again now" })).toHaveAttribute("title", WHY);
  await page.goto("/settings");
  for (const hidden of ["Webhooks", "Audit log", "Accounts"]) {
    await expect(page.getByRole("link", { name: hidden, exact: true })).toHaveCount(0);
  }

  // The studio, while a run of somebody else goes on and waits for input.
  const theirs = new Studio(page, studio.agent, studio.slug);
  await theirs.open();
  await expect(theirs.button).toBeDisabled();
  await expect(theirs.button).toHaveText(/^Stop/);
  await expect(theirs.line("Who?")).toBeVisible();
  await expect(page.getByLabel("Input", { exact: true })).toHaveCount(0);
  await owner.goto(`/agents/${studio.slug}`);
  await owner.getByLabel("Input", { exact: true }).fill("Ada");
  await owner.keyboard.press("Enter");
  await expect(theirs.line("Hello Ada")).toBeVisible();
  await expect(theirs.button).toHaveText("Start Building");
  await expect(theirs.button).toBeDisabled();
  await expect(theirs.button).toHaveAttribute("title", WHY);
  for (const name of ["More ways to run", "Upload files", "New file", "More for tools"]) {
    await expect(page.getByRole("button", { name, exact: true }), name).toHaveCount(0);
  }
  await axe(page);
  await expect(page.getByLabel("Language")).toBeDisabled();
  await expect(page.getByLabel("What becomes of the sandbox after a run")).toBeDisabled();
  await expect(page.getByTestId("save-state")).toHaveText("Read only");
  await page.getByRole("button", { name: "More for agent.py" }).click();
  await expect(page.getByRole("menuitem")).toHaveText(["Download"]);
  await page.keyboard.press("Escape");

  // Typing and the keys of the studio change nothing, and say why.
  await theirs.type("print('changed')\n");
  await expect(page.locator(".monaco-editor .view-lines")).not.toContainText("changed");
  await page.keyboard.press("ControlOrMeta+Enter");
  await expect(page.getByText(WHY).first()).toBeVisible();
  await page.getByTitle("agent.py").first().focus();
  await page.keyboard.press("F2");
  await page.keyboard.press("Delete");
  await expect(page.getByRole("button", { name: "agent.py", exact: true }).first()).toBeVisible();
  await page.getByRole("button", { name: "Settings of this agent" }).click();
  const dialog = page.getByRole("dialog", { name: "Settings of this agent" });
  await expect(dialog.getByText(WHY)).toBeVisible();
  await expect(dialog.getByLabel("Name")).toBeDisabled();
  await expect(dialog.getByRole("button", { name: /Save|Add a variable|Delete/ })).toHaveCount(0);
  await page.keyboard.press("Escape");
  expect(await studio.saved("agent.py")).toContain("input('Who? ')");
  expect(await studio.runs()).toHaveLength(1);

  // On a telephone, where a plain field stands for the editor.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.reload();
  await page.getByRole("button", { name: "Code", exact: true }).click();
  await expect(page.getByRole("textbox", { name: /agent\.py/ })).toHaveAttribute("readonly", "");
  await page.setViewportSize({ width: 1440, height: 900 });
  expect(refused, "nothing was asked for that is refused").toEqual([]);
  expect(complaints).toEqual([]);

  // Another role, and the next page offers what it may.
  await owner.goto("/settings/members");
  await owner.getByRole("button", { name: "Change vera" }).click();
  await owner.getByLabel("Role of vera").selectOption("member");
  await owner.getByRole("button", { name: "Change the role" }).click();
  await expect(owner.getByRole("row").filter({ hasText: "vera" }).first()).toContainText("member");
  await theirs.open();
  await expect(theirs.button).toBeEnabled();
  await theirs.type("print('Hello from Vera')\n");
  await theirs.start();
  await expect(theirs.line("Hello from Vera")).toBeVisible();
  await page.goto("/settings/secrets");
  await expect(page.getByText("Only an admin or an owner of the team may do this.")).toBeVisible();
});
