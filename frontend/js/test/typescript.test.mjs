// The TypeScript loader as sandboxes have it: built, preloaded, on small programs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const home = mkdtempSync(join(tmpdir(), "typescript-loader-"));
const program = join(home, "program");

before(() => {
  const build = join(dirname(fileURLToPath(import.meta.url)), "../build.mjs");
  const built = spawnSync(process.execPath, [build, "--out", home]);
  assert.equal(built.status, 0, String(built.stderr));
});
after(() => rmSync(home, { recursive: true, force: true }));

/** Writes the files, runs the first, and says what came of it. */
function run(files) {
  rmSync(program, { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(program, name)), { recursive: true });
    writeFileSync(join(program, name), text);
  }
  const env = { ...process.env, NODE_OPTIONS: `--import=${join(home, "runtime/typescript.mjs")}` };
  const { status, stdout, stderr } = spawnSync(process.execPath, [Object.keys(files)[0]], { cwd: program, env });
  return { status, out: String(stdout), err: String(stderr) };
}

test("types, enums and top-level await", () => {
  const { out, err, status } = run({
    "agent.ts": `import { double, type Kind } from "./tools.ts";
enum Level { Low = 1, High }
class Box<T> { constructor(private readonly value: T) {} get(): T { return this.value; } }
const kind: Kind = await Promise.resolve("a" as Kind);
console.log(kind, double(Level.High), new Box(Level[2]!).get());`,
    "tools.ts": `export type Kind = "a" | "b";
export const double = (n: number): number => n * 2;`,
  });
  assert.equal(out, "a 4 High\n", err);
  assert.equal(status, 0);
});

test("imports without an ending, with .js, and of a folder", () => {
  const { out, err } = run({
    "agent.ts": `import { a } from "./a"; import { b } from "./b.js"; import { c } from "./c"; console.log(a + b + c);`,
    "a.ts": "export const a: number = 1;",
    "b.ts": "export const b: number = 2;",
    "c/index.ts": "export const c: number = 3;",
  });
  assert.equal(out, "6\n", err);
});

test("an error names the line of the source", () => {
  const { err, status } = run({
    "agent.ts": `interface Long {
  a: string;
  b: {
    c: number;
  };
}
function fail(
  value: Long | undefined,
): never {
  throw new Error("here");
}
fail(undefined);`,
  });
  assert.match(err, /agent\.ts:10:/);
  assert.match(err, /agent\.ts:12:/);
  assert.equal(status, 1);
});

test("code that cannot be read is shown with its place", () => {
  const { err, status } = run({ "agent.ts": "const fine = 1;\nconst broken: = 2;\n" });
  assert.match(err, /agent\.ts:2\nconst broken: = 2;\n +\^\n\nSyntaxError: Unexpected token/);
  assert.equal(status, 1);
});

test("CommonJS in TypeScript, and TypeScript from JavaScript", () => {
  const old = run({
    "agent.cts": `const { n } = require("./n.cts"); const twice: number = n * 2; console.log(twice);`,
    "n.cts": "exports.n = 4 as number;",
  });
  assert.equal(old.out, "8\n", old.err);
  const mixed = run({
    "agent.mjs": `import { n } from "./n.ts"; console.log(n);`,
    "n.ts": "export const n: number = 5;",
  });
  assert.equal(mixed.out, "5\n", mixed.err);
});

test("what is not TypeScript is left alone", () => {
  const { out, err } = run({ "agent.js": `const path = require("node:path"); console.log(path.basename(__filename));` });
  assert.equal(out, "agent.js\n", err);
});
