// Runs the TypeScript program on standard input, in a new Node.js and without a
// file of it: `node typescript-run.cjs [arguments] < program.ts`.
//
// As ts-node does with modules as CommonJS: `import` becomes require(), so that
// both work, also for .ts files beside it. Code that awaits at its top level is
// put into an async function, which changes no line.
import { readFileSync } from "node:fs";
import Module from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { transformed } from "./typescript-hooks.js";

const options = { transforms: ["typescript", "imports"], preserveDynamicImport: true };
const awaits = /\bawait\b/;

/** The program as CommonJS. */
function commonJs(source, path) {
  return transformed(source, path, options);
}

/** Whether it is JavaScript only where `await` may stand. */
function needsAsync(code, path) {
  if (!awaits.test(code)) return false;
  try {
    new Script(Module.wrap(code), { filename: path });
    return false;
  } catch {
    // What is wrong with it in either form is said by running it.
  }
  try {
    new Script(Module.wrap(inAsync(code)), { filename: path });
    return true;
  } catch {
    return false;
  }
}

function inAsync(code) {
  return `(async () => { ${code}\n})();`;
}

for (const ending of [".ts", ".cts"]) {
  Module._extensions[ending] = (module, path) => module._compile(commonJs(readFileSync(path, "utf8"), path), path);
}

const path = join(process.cwd(), "[stdin].ts");
// Daytona's programs find their arguments right behind the name of Node.js.
process.argv.splice(1, 1);
const main = new Module(path, undefined);
main.filename = path;
main.paths = Module._nodeModulePaths(dirname(path));
process.mainModule = main;
let code;
try {
  code = commonJs(readFileSync(0, "utf8"), path);
} catch (error) {
  // Without the place in this file that Node.js would show.
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}
main._compile(needsAsync(code, path) ? inAsync(code) : code, path);
main.loaded = true;
