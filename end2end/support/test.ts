// The tests' fixtures: a server per worker, an owner who is signed in, and
// rules that hold on every page of every test: no error in the console, no
// violation of the content security policy, no request to another origin.
import { expect, test as base, type BrowserContextOptions, type Page } from "@playwright/test";
import { Server, owner } from "./server.mjs";

interface WorkerFixtures {
  server: Server;
  signedIn: BrowserContextOptions["storageState"];
}

interface TestFixtures {
  /** What the page did that no page may do; the test fails when it is not empty. */
  complaints: string[];
  /** Complaints a test expects, such as failed requests while the server is down. */
  expected: RegExp[];
  /** A server for this test alone, which may be killed, and a page signed in to it. */
  own: { server: Server; page: Page };
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  server: [
    async ({}, use) => {
      const server = new Server();
      await server.start();
      await use(server);
      await server.remove();
    },
    { scope: "worker", timeout: 60_000 },
  ],

  signedIn: [
    async ({ server, browser }, use) => {
      const context = await browser.newContext();
      await server.signIn(await context.newPage());
      await use(await context.storageState());
      await context.close();
    },
    { scope: "worker", timeout: 60_000 },
  ],

  storageState: async ({ signedIn }, use) => use(signedIn),
  baseURL: async ({ server }, use) => use(server.url),

  expected: async ({}, use) => use([]),

  own: async ({ browser }, use) => {
    const server = new Server();
    await server.start();
    const context = await browser.newContext({ baseURL: server.url, storageState: undefined });
    const page = await context.newPage();
    await server.signIn(page);
    await use({ server, page });
    await context.close();
    await server.remove();
  },

  complaints: [
    async ({ context, server, expected }, use) => {
      const complaints: string[] = [];
      await context.exposeBinding("__violation", (_, text: string) => {
        complaints.push(`content security policy: ${text}`);
      });
      await context.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) => {
          // @ts-expect-error: bound above
          window.__violation(`${event.violatedDirective} ${event.blockedURI}`);
        });
      });
      context.on("console", (message) => {
        if (message.type() === "error") complaints.push(`console: ${message.text()} ${message.location().url}`);
      });
      context.on("weberror", (error) => complaints.push(`error: ${error.error()}`));
      context.on("request", (request) => {
        const url = new URL(request.url());
        if (!["data:", "blob:"].includes(url.protocol) && url.origin !== server.url) {
          complaints.push(`request to another origin: ${request.url()}`);
        }
      });
      await use(complaints);
      const unexpected = complaints.filter((text) => !expected.some((pattern) => pattern.test(text)));
      expect(unexpected, "what no page may do").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect, owner };
