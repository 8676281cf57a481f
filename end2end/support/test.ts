// The tests' fixtures: a server per worker, an owner who is signed in, and
// rules that hold on every page of every test: no error in the console, no
// violation of the content security policy, no request to another origin. A
// page that was gone to or reloaded is a page that started: before its program
// is there its buttons do nothing, and nothing says so to a test.
import { expect, test as base, type Browser, type BrowserContextOptions, type Page } from "@playwright/test";
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

/** Waits until a page of the site is alive, or says that it is not; other pages have no program. */
async function started(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const failed = document.getElementById("not-started");
    return !failed || !failed.hidden || "started" in document.documentElement.dataset;
  });
}

/** Has `goto` and `reload` of every page of this browser end when the page started. */
function waitForStarts(browser: Browser): void {
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    // Without scripts nothing starts.
    if (options?.javaScriptEnabled === false) return context;
    context.on("page", (page) => {
      const goto = page.goto.bind(page);
      const reload = page.reload.bind(page);
      page.goto = async (...call) => {
        const response = await goto(...call);
        await started(page);
        return response;
      };
      page.reload = async (...call) => {
        const response = await reload(...call);
        await started(page);
        return response;
      };
    });
    return context;
  };
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  browser: [
    async ({ browser }, use) => {
      waitForStarts(browser);
      await use(browser);
    },
    { scope: "worker" },
  ],

  server: [
    async ({}, use) => {
      const server = new Server();
      await server.start();
      await use(server);
      await server.remove();
    },
    { scope: "worker", timeout: 180_000 },
  ],

  signedIn: [
    async ({ server, browser }, use) => {
      const context = await browser.newContext();
      await server.signIn(await context.newPage());
      await use(await context.storageState());
      await context.close();
    },
    { scope: "worker", timeout: 180_000 },
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
