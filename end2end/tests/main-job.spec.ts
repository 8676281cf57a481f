// The main job: write code, press Start Building, see it run and cleaned up.
import { execFileSync } from "node:child_process";
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

test("from a template to the last line of output", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: /Streaming hello/ }).first().click();
  await page.waitForURL(/\/agents\/streaming-hello/);
  const studio = new Studio(page, "", "streaming-hello");
  await studio.ready();
  await studio.start();
  await expect(studio.line("Done.")).toBeVisible({ timeout: 30_000 });
  await expect(studio.line("Hello from the sandbox")).toBeVisible();
  await expect(studio.line("Step 1 of 4")).toBeVisible();
  await expect(studio.line("A line on standard error")).toHaveClass(/err/);
  await studio.finished();
  for (const phase of ["Sandbox", "Files", "Ran agent.py", "Clean up"]) {
    await expect(studio.phase(phase)).toContainText(/\d+(\.\d)? m?s/);
  }
  await expect(studio.line(/Exited with code 0/)).toBeVisible();
});

test("a step is on the screen before the end is printed", async ({ page }) => {
  const studio = await Studio.create(page, "live", { "agent.py": "print('Step 1', flush=True)\ninput()\nprint('Done.')\n" });
  await studio.start();
  await expect(studio.line("Step 1")).toBeVisible({ timeout: 30_000 });
  // It waits for us: nothing is missed by whoever looks late.
  await expect(studio.button).toHaveText(/Stop/);
  await expect(studio.line("Done.")).toBeHidden();
  const prompt = page.getByLabel("Input", { exact: true });
  await prompt.fill("on");
  await prompt.press("Enter");
  await expect(studio.line("Done.")).toBeVisible({ timeout: 30_000 });
  await studio.finished();
  expect(await studio.log()).toBe("Step 1\nDone.\n");
});

test("what is typed in the editor is what runs", async ({ page }) => {
  const studio = await Studio.create(page, "typed", {});
  await studio.type('print("typed by hand:", 6 * 7)\n');
  await page.keyboard.press("ControlOrMeta+Enter");
  await expect(studio.line("typed by hand: 42")).toBeVisible();
  await studio.finished();
  expect(await studio.saved("agent.py")).toContain("6 * 7");
});

test("the code runs in a sandbox, not on this machine", async ({ page }) => {
  const code = [
    "import os, pathlib, socket",
    "print('user', os.getuid() != 0, os.environ.get('HOME'))",
    "print('host files', pathlib.Path('/root/.bashrc').exists(), pathlib.Path('/etc/shadow').exists())",
    "print('processes', len([p for p in os.listdir('/proc') if p.isdigit()]) < 10)",
    "try:",
    "    socket.create_connection(('1.1.1.1', 80), 2)",
    "    print('network open')",
    "except OSError:",
    "    print('network closed')",
  ].join("\n");
  const studio = await Studio.create(page, "walls", { "agent.py": code });
  await studio.start();
  await expect(studio.line("user True /home/daytona")).toBeVisible();
  await expect(studio.line("host files False False")).toBeVisible();
  await expect(studio.line("processes True")).toBeVisible();
  await expect(studio.line("network closed")).toBeVisible();
  await studio.finished();
});

test("several files, and the entrypoint in TypeScript and in JavaScript", async ({ page }) => {
  const typescript = await Studio.create(
    page,
    "types",
    {
      "agent.ts": 'import { greet, type Name } from "./greet.ts";\nconst name: Name = { first: "Ada" };\nconsole.log(greet(name));\n',
      "greet.ts": "export interface Name { first: string }\nexport const greet = (name: Name): string => `hello ${name.first}`;\n",
    },
    "typescript",
  );
  await typescript.start();
  await expect(typescript.line("hello Ada")).toBeVisible();
  await typescript.finished();

  const javascript = await Studio.create(page, "scripts", { "agent.js": "console.log('node', 1 + 1);\n" }, "javascript");
  await javascript.start();
  await expect(javascript.line("node 2")).toBeVisible();
  await javascript.finished();
});

test("a program that asks is answered in the log", async ({ page }) => {
  const studio = await Studio.create(page, "asks", { "agent.py": "name = input('Who are you? ')\nprint('hello', name)\n" });
  await studio.start();
  await expect(studio.line("Who are you?")).toBeVisible();
  const prompt = page.getByLabel("Input", { exact: true });
  await prompt.fill("Grace");
  await prompt.press("Enter");
  await expect(studio.line("hello Grace")).toBeVisible();
  await studio.finished();
});

test("a kept sandbox is run in again, with the edits in it", async ({ page }) => {
  const studio = await Studio.create(page, "kept", {
    "agent.py": "import pathlib\np = pathlib.Path.home() / 'count'\nn = int(p.read_text()) + 1 if p.exists() else 1\np.write_text(str(n))\nprint('run number', n)\n",
  });
  await studio.settings({ keep_minutes: 15 });
  await studio.open();
  await studio.start();
  await expect(studio.line("run number 1")).toBeVisible();
  await expect(studio.button).toHaveText(/^Run/);
  await studio.button.click();
  await expect(studio.line("run number 2")).toBeVisible();
  await expect(studio.button).toHaveText(/^Run/);
  await studio.type("print('edited in the standing sandbox')\n");
  await expect(page.getByTestId("save-state")).toHaveText("Synced to sandbox");
  await page.getByRole("button", { name: "More ways to run" }).click();
  await page.getByRole("menuitem", { name: "Discard the sandbox" }).click();
  await expect(studio.button).toHaveText(/Start Building/);
});

test("nothing of a sandbox remains on the machine", async ({ page, server }) => {
  const studio = await Studio.create(page, "remains", { "agent.py": "import subprocess\nsubprocess.Popen(['sleep', '4242'], start_new_session=True)\nprint('left a daemon')\n" });
  await studio.start();
  await expect(studio.line("left a daemon")).toBeVisible();
  await studio.finished();
  const processes = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  expect(processes).not.toContain("sleep 4242");
  const mounts = execFileSync("cat", ["/proc/mounts"], { encoding: "utf8" });
  expect(mounts).not.toContain(server.data);
});
