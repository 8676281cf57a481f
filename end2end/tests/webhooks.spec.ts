// Webhooks in both directions: a signed message starts a run, and its end is
// told to an address, whose log shows it and sends it again.
import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "../support/test.ts";
import { Server } from "../support/server.mjs";
import { Studio } from "../support/studio.ts";

function sign(secret: string, id: string, timestamp: string, body: string): string {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

test("a message starts a run, and its end is told, and told again", async ({ browser }) => {
  test.setTimeout(240_000);
  const came: { id: string; genuine: boolean; type: string }[] = [];
  let told = "";
  const receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      const header = (name: string) => String(request.headers[name]);
      const expected = sign(told, header("webhook-id"), header("webhook-timestamp"), body);
      came.push({
        id: header("webhook-id"),
        genuine: header("webhook-signature").split(" ").includes(expected),
        type: JSON.parse(body).type,
      });
      response.writeHead(200).end("thank you");
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;

  const server = new Server({ PITLANE_WEBHOOK_ALLOW: "127.0.0.1" });
  await server.start();
  const context = await browser.newContext({ baseURL: server.url, storageState: undefined });
  const page = await context.newPage();
  try {
    await server.signIn(page);
    await page.goto("/settings/webhooks");
    await expect(page.getByText("Nobody is told yet")).toBeVisible();
    const add = page.getByRole("region", { name: "Add an address" });
    await add.getByLabel("Address").fill("http://169.254.169.254/latest");
    await add.getByLabel("run.finished").check();
    await add.getByRole("button", { name: "Add the address" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "not on the internet" })).toBeVisible();
    await add.getByLabel("Address").fill(address);
    await add.getByLabel("run.finished").check();
    await add.getByRole("button", { name: "Add the address" }).click();
    const row = page.getByRole("row").filter({ hasText: address }).first();
    await expect(row).toContainText("run.finished, run.failed");
    told = await page.getByLabel("The secret of the webhook").inputValue();
    expect(told).toMatch(/^whsec_/);

    const studio = await Studio.create(page, "listener", { "agent.py": "import sys\nprint('got', sys.stdin.read())\n" });
    await page.goto(`/agents/${studio.slug}/schedules`);
    const hook = page.getByRole("region", { name: "Webhook" });
    await hook.getByRole("button", { name: "Make a webhook" }).click();
    const secret = await hook.getByLabel("The secret of the webhook").inputValue();
    const url = (await hook.locator("dd.mono").textContent()) ?? "";
    expect(url).toContain(`${server.url}/api/hooks/`);
    const [id, timestamp, body] = [`msg_${randomUUID()}`, String(Math.floor(Date.now() / 1000)), '{"ticket":7}'];
    const send = (signature: string) =>
      fetch(url, { method: "POST", body, headers: { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } });
    expect((await send("v1,AAAA")).status).toBe(403);
    for (let times = 0; times < 2; times += 1) expect((await send(sign(secret, id, timestamp, body))).status).toBe(202);
    await expect.poll(async () => (await studio.runs()).map((run) => run.state), { timeout: 30_000 }).toEqual(["succeeded"]);
    expect(await studio.log()).toBe('got {"ticket":7}\n');
    await expect.poll(() => came.length, { timeout: 30_000 }).toBe(1);
    expect(came[0]).toMatchObject({ genuine: true, type: "run.finished" });

    await page.goto("/settings/webhooks");
    const sent = page.getByRole("region", { name: "Sent" });
    // The page shows how it stood when it was asked for: the answer may still be on its way.
    await expect(async () => {
      await sent.getByRole("button", { name: "Look again" }).click();
      await expect(sent.getByRole("row").filter({ hasText: "run.finished" })).toContainText("delivered", { timeout: 2_000 });
    }).toPass({ timeout: 30_000 });
    await sent.getByRole("button", { name: /Details of msg_/ }).click();
    await expect(sent.getByText("status 200")).toBeVisible();
    await expect(sent.getByText("thank you")).toBeVisible();
    await sent.getByRole("button", { name: "Send it again" }).click();
    await expect.poll(() => came.length, { timeout: 30_000 }).toBe(2);
    expect(came[1].id).toBe(came[0].id);

    await row.getByRole("button", { name: `Change ${address}` }).click();
    await page.getByRole("button", { name: "Switch off" }).click();
    await expect(row).toContainText("off");
    await page.goto(`/agents/${studio.slug}/schedules`);
    expect(await page.content()).not.toContain(secret);
  } finally {
    await context.close();
    await server.remove();
    receiver.close();
  }
});
