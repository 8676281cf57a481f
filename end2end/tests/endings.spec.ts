// How runs end: failing, stopped, out of time, by a signal; and programs that
// do all they can not to end.
import { expect, test } from "../support/test.ts";
import { Studio } from "../support/studio.ts";

test("a failing program shows its traceback and its code", async ({ page }) => {
  const studio = await Studio.create(page, "fails", { "agent.py": "print('before')\nraise ValueError('no such lap')\n" });
  await studio.start();
  await expect(studio.line("ValueError: no such lap")).toBeVisible();
  await studio.finished();
  const [run] = await studio.runs();
  expect(run).toMatchObject({ state: "failed", exit_code: 1 });
  // The place in the traceback leads to the line in the editor.
  await studio.line(/File ".*agent.py", line 2/).getByRole("button").click();
  await expect(page.getByText("Ln 2, Col")).toBeVisible();
});

test("stop ends every descendant and says how long it took", async ({ page }) => {
  const code = [
    "import signal, subprocess, sys, time",
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "for _ in range(3):",
    "    subprocess.Popen([sys.executable, '-c', 'import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)'], start_new_session=True)",
    "print('ready to be stopped')",
    "time.sleep(600)",
  ].join("\n");
  const studio = await Studio.create(page, "stubborn", { "agent.py": code });
  await studio.start();
  await expect(studio.line("ready to be stopped")).toBeVisible();
  await page.keyboard.press("ControlOrMeta+.");
  await studio.finished();
  const [run] = await studio.runs();
  expect(run?.state).toBe("stopped");
  expect(run?.stop).toMatchObject({ left: 0 });
  expect(run?.stop?.ended).toBeGreaterThanOrEqual(4);
  await expect(studio.line(/Stopped after .*none left/)).toBeVisible();
});

test("a program that runs too long is ended", async ({ page }) => {
  const studio = await Studio.create(page, "slow", { "agent.py": "import time\nprint('sleeping')\ntime.sleep(600)\n" });
  await studio.settings({ timeout_seconds: 2 });
  await studio.open();
  await studio.start();
  await studio.finished();
  expect((await studio.runs())[0]).toMatchObject({ state: "timed_out", reason: "It ran longer than the 2.0 s it may." });
  const row = studio.line(/Timed out after \d+\.\d s/);
  await expect(row).toBeVisible();
  const took = Number((await row.textContent())?.match(/after (\d+\.\d) s/)?.[1]);
  expect(took).toBeGreaterThanOrEqual(2);
  expect(took).toBeLessThan(15);
});

test("an end by a signal is told as 128 and its number", async ({ page }) => {
  const studio = await Studio.create(page, "signal", { "agent.py": "import os, signal\nprint('now')\nos.kill(os.getpid(), signal.SIGKILL)\n" });
  await studio.start();
  await studio.finished();
  expect((await studio.runs())[0]).toMatchObject({ state: "failed", exit_code: 137 });
});

test("memory, processes and disk are bounded, and the server lives on", async ({ page }) => {
  test.setTimeout(300_000);
  const code = [
    "import os, sys",
    "try:",
    "    with open('/tmp/full', 'wb') as f:",
    "        for _ in range(5000): f.write(b'x' * (1 << 20))",
    "    print('disk: unbounded')",
    "except OSError as error: print('disk:', error.strerror)",
    "try: os.remove('/tmp/full')",
    "except OSError: pass",
    "children = 0",
    "try:",
    "    for _ in range(20000):",
    "        pid = os.fork()",
    "        if pid == 0:",
    "            import time; time.sleep(60); os._exit(0)",
    "        children += 1",
    "    print('processes: unbounded')",
    "except OSError as error: print('processes: bounded', children < 5000)",
    "sys.stdout.flush()",
    "hog = []",
    "while True: hog.append(bytearray(16 << 20))",
  ].join("\n");
  const studio = await Studio.create(page, "bombs", { "agent.py": code });
  await studio.settings({ timeout_seconds: 300 });
  await studio.open();
  await studio.start();
  await expect(studio.line(/disk: (No space|Disk quota|File too large|Cannot allocate)/)).toBeVisible({ timeout: 90_000 });
  await expect(studio.line("processes: bounded True")).toBeVisible({ timeout: 60_000 });
  await studio.finished(90_000);
  expect((await studio.runs())[0]?.state).toBe("failed");
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Agents" })).toBeVisible();
});

test("no newline, invalid UTF-8, closed output and an empty file", async ({ page }) => {
  const odd = await Studio.create(page, "odd bytes", {
    "agent.py": "import os\nos.write(1, b'caf\\xc3\\xa9 \\xff\\xfe broken ')\nos.write(1, b'no newline at the end')\n",
  });
  await odd.start();
  await expect(odd.line("no newline at the end")).toBeVisible();
  await odd.finished();
  const [run] = await odd.runs();
  const body = await (await page.request.get(`/api/runs/${run?.id}/log`)).body();
  const bytes = [Buffer.from("caf\u00e9 "), Buffer.from([0xff, 0xfe]), Buffer.from(" broken no newline at the end")];
  expect(body.equals(Buffer.concat(bytes)), body.toString("latin1")).toBe(true);

  const closed = await Studio.create(page, "closed", { "agent.py": "import os, time\nprint('bye', flush=True)\nos.close(1)\nos.close(2)\ntime.sleep(1)\nos._exit(3)\n" });
  await closed.start();
  await closed.finished();
  expect((await closed.runs())[0]).toMatchObject({ state: "failed", exit_code: 3 });

  const empty = await Studio.create(page, "empty", { "agent.py": "" });
  await empty.start();
  await empty.finished();
  expect((await empty.runs())[0]).toMatchObject({ state: "succeeded", exit_code: 0 });
});

test("pressing start twice is one run", async ({ page }) => {
  const studio = await Studio.create(page, "twice", { "agent.py": "import time\ntime.sleep(8)\nprint('once')\n" });
  await studio.button.dblclick();
  await page.keyboard.press("ControlOrMeta+Enter");
  await expect(studio.line("once")).toBeVisible({ timeout: 40_000 });
  await studio.finished();
  expect(await studio.runs()).toHaveLength(1);
});
