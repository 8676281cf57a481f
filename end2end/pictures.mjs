// Takes the pictures in docs/pictures anew: `node pictures.mjs`, after
// `cargo xtask build`. Each page at the width of a desk and of a telephone, in
// both themes, with a few agents and their runs.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "@playwright/test";
import { Server } from "./support/server.mjs";

const out = path.resolve(import.meta.dirname, "../docs/pictures");
const sizes = [["", { width: 1440, height: 900 }], ["-narrow", { width: 390, height: 844 }]];
mkdirSync(out, { recursive: true });

const server = new Server();
await server.start();
const browser = await chromium.launch({
  executablePath: process.env.PITLANE_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
});
try {
  const page = await browser.newPage({ baseURL: server.url, viewport: sizes[0][1] });
  await server.signIn(page);
  for (const template of ["Streaming hello", "One that fails", "TypeScript agent", "Agent with tools"]) {
    await page.goto("/agents/new");
    await page.getByRole("button", { name: new RegExp(template) }).first().click();
    await page.waitForURL(/\/agents\/(?!new)/);
    await page.locator(".monaco-editor .view-lines").waitFor();
    await page.getByTestId("run-button").click();
    await page.locator(".log-row").filter({ hasText: "Exited with code" }).waitFor();
    await page.getByTestId("run-button").filter({ hasText: /Start Building/ }).waitFor();
  }
  const studio = new URL(page.url()).pathname;
  for (const theme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme: theme });
    for (const [suffix, size] of sizes) {
      await page.setViewportSize(size);
      for (const [name, address] of [["agents", "/"], ["studio", studio]]) {
        await page.goto(address);
        if (name === "studio") {
          if (suffix === "") await page.locator(".monaco-editor .view-lines").waitFor();
          await page.locator(".log-row").first().waitFor({ state: "attached" });
          await page.getByTestId("run-button").click();
          await page.getByTestId("run-button").filter({ hasText: "Stop" }).waitFor();
          await page.locator(".log-row").filter({ hasText: "Exited" }).waitFor({ state: "detached" });
          await page.locator(".log-row").filter({ hasText: "Step 3" }).waitFor({ state: "attached" });
        }
        await page.waitForTimeout(name === "studio" ? 60 : 250);
        await page.screenshot({ path: path.join(out, `${name}${suffix}-${theme}.png`) });
        if (name === "studio") await page.getByTestId("run-button").filter({ hasText: /Start Building/ }).waitFor();
      }
    }
  }
} finally {
  await browser.close();
  await server.remove();
}
