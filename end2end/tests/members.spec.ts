// Teams: made, switched in the menu, renamed; what is another team's is not seen.
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

test("a team has agents of its own, and the menu goes from one team to another", async ({ own: { page }, expected }) => {
  expected.push(/404 .*add_member/, /409 .*leave_team/);
  const studio = await Studio.create(page, "Scout", { "agent.py": "print(1)\n" });

  await page.goto("/settings/members");
  await expect(page.getByRole("heading", { name: "Members of First team" })).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "(you)" })).toContainText("owner");

  const add = page.getByRole("region", { name: "Add somebody" });
  await add.getByLabel("Name of their account").fill("nobody at all");
  await add.getByRole("button", { name: "Add" }).click();
  await expect(add.getByRole("alert")).toContainText("no account named");

  const rename = page.getByRole("region", { name: "Name of the team" });
  await rename.getByLabel("Name").fill("Core");
  await rename.getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("heading", { name: "Members of Core" })).toBeVisible();

  const leave = page.getByRole("region", { name: "Leave or delete the team" });
  await leave.getByRole("button", { name: "Leave or delete" }).click();
  await leave.getByRole("button", { name: "Leave the team" }).click();
  await expect(leave.getByRole("alert")).toContainText("only owner");

  await page.getByRole("region", { name: "Another team" }).getByLabel("Name").fill("Night shift");
  await page.getByRole("button", { name: "Make the team" }).click();
  await expect(page.getByRole("heading", { name: "Members of Night shift" })).toBeVisible();
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Scout" })).toHaveCount(0);
  const elsewhere = await page.request.get(`/agents/${studio.slug}`);
  expect(elsewhere.status()).toBe(404);

  // Only with the keyboard.
  await page.getByRole("button", { name: /in the team Night shift/ }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitemradio", { name: /Core/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "Scout" })).toBeVisible();
  await expect(page.getByRole("button", { name: /in the team Core/ })).toBeVisible();

  await page.goto("/settings/members");
  await page.getByRole("button", { name: /in the team Core/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/sign-in/);
});
