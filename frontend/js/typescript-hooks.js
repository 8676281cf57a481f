// The hooks of typescript-loader.js: types are taken out of a module as it is
// loaded, and a specifier that names no file is tried with TypeScript's endings.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compileFunction } from "node:vm";
import { transform } from "sucrase";

const typescript = /^file:.*\.[cm]?ts$/;
const commonJsArguments = ["exports", "require", "module", "__filename", "__dirname"];

/** Takes the types out of `source`; every line keeps its number. */
export function strip(source, path) {
  return transformed(source, path, { transforms: ["typescript"] });
}

/** What sucrase makes of `source`; what it cannot read is shown with its place. */
export function transformed(source, path, options) {
  try {
    return transform(source, { ...options, disableESTransforms: true, filePath: path }).code;
  } catch (error) {
    if (!error.loc) throw error;
    const { line, column } = error.loc;
    const why = error.message.replace(/^Error transforming [^]*?: /, "").replace(/ \(\d+:\d+\)$/, "");
    const lineText = source.split("\n")[line - 1] ?? "";
    const failure = new SyntaxError(why);
    failure.stack = `${path}:${line}\n${lineText}\n${" ".repeat(column - 1)}^\n\nSyntaxError: ${why}\n    at ${path}:${line}:${column}`;
    throw failure;
  }
}

/** Whether a .ts file is an ECMAScript module: Node's own rule for .js files. */
function formatOf(path, code) {
  if (path.endsWith(".mts")) return "module";
  if (path.endsWith(".cts")) return "commonjs";
  const declared = nearestPackageType(dirname(path));
  if (declared) return declared;
  try {
    compileFunction(code, commonJsArguments);
    return "commonjs";
  } catch {
    return "module";
  }
}

function nearestPackageType(folder) {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "package.json");
    if (existsSync(file)) {
      try {
        const { type } = JSON.parse(readFileSync(file, "utf8"));
        return type === "module" || type === "commonjs" ? type : undefined;
      } catch {
        return undefined;
      }
    }
    if (at === dirname(at)) return undefined;
  }
}

export function load(url, context, nextLoad) {
  const plain = url.replace(/[?#].*$/, "");
  if (!typescript.test(plain)) return nextLoad(url, context);
  const path = fileURLToPath(plain);
  const source = strip(readFileSync(path, "utf8"), path);
  return { format: formatOf(path, source), source, shortCircuit: true };
}

export function resolve(specifier, context, nextResolve) {
  const other = typescriptFile(specifier, context.parentURL);
  return other ? { url: other, shortCircuit: true } : nextResolve(specifier, context);
}

/** The TypeScript file a relative specifier means, when it names no file as it stands. */
function typescriptFile(specifier, parent) {
  if (!/^\.{0,2}\//.test(specifier) || !parent?.startsWith("file:")) return undefined;
  const path = fileURLToPath(new URL(specifier, parent));
  if (isFile(path)) return undefined;
  const candidates = /\.[cm]?js$/.test(path)
    ? [path.replace(/js$/, "ts")]
    : [`${path}.ts`, `${path}.mts`, `${path}.js`, `${path}.mjs`, join(path, "index.ts"), join(path, "index.js")];
  const found = candidates.find(isFile);
  return found && pathToFileURL(found).href;
}

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
