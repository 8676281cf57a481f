// Bundles everything of the site that is not WebAssembly:
//
//   node build.mjs --out <dir> [--release]
//
//   <dir>/js/       editor.js, its chunks, style sheet, worker and icon font
//   <dir>/css/      app.css from style/app.css, and the fonts it names
//   <dir>/runtime/  typescript.mjs, preloaded inside sandboxes, and
//                   typescript-run.cjs, which runs a program from standard input
//
// Names carry no hash: the server's addresses do, for all files at once.
import { build } from "esbuild";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const style = join(here, "../../style/app.css");
const { values } = parseArgs({ options: { out: { type: "string" }, release: { type: "boolean", default: false } } });
if (!values.out) {
  process.stderr.write("Say where the files go: node build.mjs --out <dir> [--release]\n");
  process.exit(2);
}
const out = resolve(values.out);
await mkdir(out, { recursive: true });

const shared = { bundle: true, minify: values.release, logLevel: "warning", legalComments: "none", absWorkingDir: here };
const browsers = ["chrome123", "firefox128", "safari17.5"];

const [bundle] = await Promise.all([
  build({
    ...shared,
    entryPoints: ["editor.js"],
    outdir: join(out, "js"),
    format: "esm",
    splitting: true,
    target: browsers,
    chunkNames: "editor-[name]-[hash]",
    assetNames: "[name]",
    loader: { ".ttf": "file" },
    metafile: true,
  }),
  // By itself: sharing chunks with the editor, the worker would load all of it.
  build({
    ...shared,
    entryPoints: ["editor.worker.js"],
    outdir: join(out, "js"),
    format: "esm",
    target: browsers,
  }),
  build({
    ...shared,
    entryPoints: [style],
    outfile: join(out, "css/app.css"),
    target: browsers,
    nodePaths: [join(here, "node_modules")],
    assetNames: "[name]",
    loader: { ".woff2": "file" },
  }),
  build({
    ...shared,
    entryPoints: { typescript: "typescript-loader.js", "typescript-hooks": "typescript-hooks.js" },
    outdir: join(out, "runtime"),
    outExtension: { ".js": ".mjs" },
    platform: "node",
    target: "node20",
    format: "esm",
    minify: true,
    mainFields: ["module", "main"],
    external: ["./typescript-hooks.mjs"],
  }),
  // By itself, and as CommonJS, which Node.js loads faster.
  build({
    ...shared,
    entryPoints: { "typescript-run": "typescript-run.js" },
    outdir: join(out, "runtime"),
    outExtension: { ".js": ".cjs" },
    platform: "node",
    target: "node20",
    format: "cjs",
    minify: true,
    mainFields: ["module", "main"],
  }),
]);

// Each language's chunk gets a copy of Monaco's style sheet, which nothing loads.
const needless = Object.keys(bundle.metafile.outputs).filter((file) => /editor-[^/]*\.css$/.test(file));
await Promise.all(needless.map((file) => rm(join(here, file))));
