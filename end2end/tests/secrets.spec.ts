// Secrets: saved once, given to an agent, masked in its log, shown nowhere.
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

const VALUE = "sk-live-0123456789";

test("a secret is saved, given to an agent, and masked in its log", async ({ page, expected }) => {
  expected.push(/409 .*delete_secret/);
  await page.goto("/settings/secrets");
  const add = page.getByRole("region", { name: "Add a secret" });
  await add.getByLabel("Name, such as API_KEY").fill("API_KEY");
  await add.getByLabel("Value").fill(VALUE);
  await add.getByRole("button", { name: "Save the secret" }).click();
  const row = page.getByRole("row").filter({ hasText: "API_KEY" });
  await expect(row).toContainText("no agent");
  await expect(add.getByLabel("Value")).toHaveValue("");

  const studio = await Studio.create(page, "with secrets", {
    "agent.py": "import base64, os\ntoken = os.environ['TOKEN']\nprint('plain', token)\nprint('coded', base64.b64encode(token.encode()).decode())\nprint('mode', os.environ['MODE'])\n",
  });
  await page.getByRole("button", { name: "Settings of this agent" }).click();
  const variables = page.getByRole("region", { name: "Environment variables" });
  for (const [index, name] of ["TOKEN", "MODE"].entries()) {
    await variables.getByRole("button", { name: "Add a variable" }).click();
    await variables.getByLabel("Name").nth(index).fill(name);
  }
  await variables.getByLabel("Kind").first().selectOption("secret API_KEY");
  await variables.getByRole("textbox", { name: "Value" }).fill("fast");
  await variables.getByRole("button", { name: "Save the variables" }).click();
  await expect(variables.getByRole("status")).toHaveText("The variables are saved.");
  await page.keyboard.press("Escape");

  await studio.start();
  await expect(studio.line("plain ***")).toBeVisible();
  await expect(studio.line("coded ***")).toBeVisible();
  await expect(studio.line("mode fast")).toBeVisible();
  await studio.finished();
  expect(await studio.log()).toBe("plain ***\ncoded ***\nmode fast\n");

  await page.goto("/settings/secrets");
  await expect(row.getByRole("link", { name: "with secrets" })).toBeVisible();
  await row.getByRole("button", { name: "Change API_KEY" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "given to with secrets" })).toBeVisible();
  expect(await page.content()).not.toContain(VALUE);
});
