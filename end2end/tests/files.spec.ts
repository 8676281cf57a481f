// Files: the tree, tabs, names that cannot be, and files that are too large.
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

test("create, open, rename, delete and take back", async ({ page }) => {
  const studio = await Studio.create(page, "tree", { "tools/search.py": "def search():\n    return 'found'\n" });
  const tree = page.getByRole("region", { name: "Files" });
  const file = (name: string) => tree.getByRole("button", { name, exact: true });
  await expect(file("search.py")).toBeVisible();
  await page.getByRole("button", { name: "New file" }).click();
  await page.keyboard.type("tools/fetch.py");
  await page.keyboard.press("Enter");
  await expect(file("fetch.py")).toBeVisible();
  await file("search.py").click();
  await expect(page.locator(".monaco-editor")).toContainText("return 'found'");
  await file("fetch.py").press("F2");
  await page.getByLabel("New name").fill("tools/load.py");
  await page.keyboard.press("Enter");
  await expect(file("load.py")).toBeVisible();
  await expect(file("fetch.py")).toBeHidden();
  await file("load.py").press("Delete");
  await expect(file("load.py")).toBeHidden();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(file("load.py")).toBeVisible();
  await studio.start();
  await studio.finished();
});

for (const name of ["../outside.py", "/etc/passwd", "a//b.py", `${"x".repeat(300)}.py`, "back\\slash.py"]) {
  test(`a file cannot be called ${name.slice(0, 20)}`, async ({ page }) => {
    await Studio.create(page, "names", {});
    await page.getByRole("button", { name: "New file" }).click();
    await page.keyboard.insertText(name);
    await page.keyboard.press("Enter");
    await expect(page.getByText(/cannot be used/)).toBeVisible();
  });
}

test("an emoji is a fine name", async ({ page }) => {
  const studio = await Studio.create(page, "emoji", { "\u{1f680}.py": "ok = 1\n", "agent.py": "import importlib.util, os\nprint(sorted(f for f in os.listdir('.') if f.endswith('.py')))\n" });
  await studio.start();
  await expect(studio.line("\u{1f680}.py")).toBeVisible();
  await studio.finished();
});

test("a file of 20 MB is refused with its size and the limit", async ({ page, expected }) => {
  expected.push(/413/);
  const studio = await Studio.create(page, "large", {});
  const response = await page.request.put(`/api/agents/${studio.agent}/files/big.bin`, {
    data: Buffer.alloc(20_000_000, 1),
    headers: { "content-type": "application/octet-stream", "sec-fetch-site": "same-origin" },
  });
  expect(response.status()).toBe(413);
  expect(await response.text()).toMatch(/20\.0 MB.*5\.0 MB/s);
});
