// The runner of TypeScript from standard input, as sandboxes have it: built.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const home = mkdtempSync(join(tmpdir(), "typescript-run-"));
const work = mkdtempSync(join(tmpdir(), "typescript-run-work-"));

before(() => {
  const build = join(dirname(fileURLToPath(import.meta.url)), "../build.mjs");
  const built = spawnSync(process.execPath, [build, "--out", home]);
  assert.equal(built.status, 0, String(built.stderr));
});
after(() => [home, work].forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Runs a program with arguments, and says what came of it. */
function run(input, ...args) {
  const runner = join(home, "runtime/typescript-run.cjs");
  const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...args], { cwd: work, input });
  return { status, out: String(stdout), err: String(stderr) };
}

test("arguments come right behind the name of Node.js, and the code is the exit code", () => {
  const { out, status } = run(`const all: string[] = process.argv.slice(1); console.log(all.join("|")); process.exit(4);`, "a b", "-c");
  assert.equal(out, "a b|-c\n");
  assert.equal(status, 4);
});

test("import and require work, also for files beside it", () => {
  writeFileSync(join(work, "tools.ts"), "export const double = (n: number): number => n * 2; export default 7;");
  const { out, err } = run(`import seven, { double } from "./tools"; import { existsSync } from "node:fs"; import type { Nothing } from "nowhere";
const { double: same } = require("./tools.ts");
import tools = require("./tools");
console.log(seven, double(2), same === double, tools.default, existsSync(__dirname), require.main === module);`);
  assert.equal(out, "7 4 true 7 true true\n", err);
});

test("types, enums, and await at the top level", () => {
  const { out, err } = run(`enum Level { Low = 1, High }
class Box<T> { constructor(private readonly value: T) {} get(): T { return this.value; } }
const late: string = await Promise.resolve("late");
console.log(late, new Box(Level[2]!).get(), (await import("node:path")).basename("/x/y"));`);
  assert.equal(out, "late High y\n", err);
  assert.equal(run("const text: string = 'await'; console.log(text);").out, "await\n");
});

test("errors name the line and end with 1", () => {
  const thrown = run(`interface A {\n  a: string;\n}\nfunction fail(): never {\n  throw new Error("here");\n}\nfail();`);
  assert.match(thrown.err, /\[stdin\]\.ts:5:/);
  assert.match(thrown.err, /\[stdin\]\.ts:7:/);
  assert.equal(thrown.status, 1);
  const broken = run("const fine = 1;\nconst broken: = 2;\n");
  assert.match(broken.err, /^\S+\[stdin\]\.ts:2\nconst broken: = 2;\n +\^\n\nSyntaxError: Unexpected token/);
  assert.equal(broken.status, 1);
  const rejected = run("\n\nawait Promise.reject(new Error('late'));");
  assert.match(rejected.err, /Error: late\n +at \S*\[stdin\]\.ts:3:/);
  assert.equal(rejected.status, 1);
});

test("nothing is left behind", () => {
  run("console.log(1 as number);");
  assert.deepEqual(readdirSync(work), ["tools.ts"]);
});
