// The studio as the tests use it: an agent with given files, the buttons, and
// the lines of the log as a person would read them.
import { expect, type Locator, type Page } from "@playwright/test";

type Language = "python" | "typescript" | "javascript";

export class Studio {
  constructor(
    readonly page: Page,
    /** The agent's id. */
    readonly agent: string,
    /** Its name in addresses. */
    readonly slug: string,
  ) {}

  /** Makes an agent through the site's own functions, and opens its studio. */
  static async create(page: Page, name: string, files: Record<string, string>, language: Language = "python"): Promise<Studio> {
    const made = await call(page, "create_blank_agent", { form: { name, language } });
    const studio = new Studio(page, made.id, made.slug);
    for (const [path, text] of Object.entries(files)) await studio.write(path, text);
    await studio.open();
    return studio;
  }

  /** Opens the studio and waits until it answers to keys and presses. */
  async open(query = ""): Promise<void> {
    await this.page.goto(`/agents/${this.slug}${query}`);
    await this.ready();
  }

  async ready(): Promise<void> {
    await expect(this.page.locator(".monaco-editor .view-lines")).toBeVisible({ timeout: 30_000 });
  }

  /** Saves a file on the server, beside the editor, over whatever is there. */
  async write(path: string, text: string): Promise<void> {
    const files: { path: string; version: number }[] = await call(this.page, "list_files", { data: { agent: this.agent } });
    const base = files.find((file) => file.path === path)?.version ?? null;
    await call(this.page, "save_file", { data: { agent: this.agent, path, text, base } });
  }

  /** Changes the agent's settings. */
  async settings(change: Record<string, unknown>): Promise<void> {
    const agent = await call(this.page, "load_agent", { data: { agent: this.agent } });
    await call(this.page, "update_agent", { data: { agent: this.agent, settings: { ...agent.settings, ...change } } });
  }

  /** The text of a file as it is saved. */
  async saved(path: string): Promise<string> {
    return (await call(this.page, "read_file", { data: { agent: this.agent, path } })).text;
  }

  get button(): Locator {
    return this.page.getByTestId("run-button");
  }

  async start(): Promise<void> {
    await expect(this.button).toHaveText(/Start Building|^Run/);
    await this.button.click();
  }

  /** Waits until no run goes on. */
  async finished(timeout = 30_000): Promise<void> {
    await expect(this.button).toHaveText(/Start Building|^Run/, { timeout });
  }

  /** A line of the log with this text in it. */
  line(text: string | RegExp): Locator {
    return this.page.locator(".log-row").filter({ hasText: text }).first();
  }

  phase(name: string): Locator {
    return this.page.getByRole("list", { name: "Phases of the run" }).getByRole("listitem").filter({ hasText: name });
  }

  /** The whole log of the newest run, as the server has it. */
  async log(): Promise<string> {
    const [run] = await this.runs();
    const response = await this.page.request.get(`/api/runs/${run.id}/log`);
    expect(response.status()).toBe(200);
    return response.text();
  }

  async runs(): Promise<{ id: string; state: string; exit_code: number | null; reason: string | null; stop: { left: number; ended: number } | null }[]> {
    return call(this.page, "list_runs", { data: { agent: this.agent } });
  }

  /** Writes to the standard input of the newest run's program, beside the page. */
  async tell(text: string): Promise<void> {
    const [run] = await this.runs();
    await call(this.page, "send_input", { data: { run: run?.id, text, end: false } });
  }

  /** Types over the whole text of the file in the editor. */
  async type(text: string): Promise<void> {
    await this.page.locator(".monaco-editor .view-lines").click();
    await this.page.keyboard.press("ControlOrMeta+a");
    await this.page.keyboard.insertText(text);
  }
}

/** Calls one of the site's server functions as its pages do. */
async function call(page: Page, name: string, options: { form?: Record<string, string>; data?: unknown }) {
  const response = await page.request.post(`/fn/${name}`, {
    ...options,
    headers: { accept: "application/json", "sec-fetch-site": "same-origin" },
  });
  const text = await response.text();
  expect(response.ok(), `${name}: ${response.status()} ${text}`).toBe(true);
  return JSON.parse(text);
}
