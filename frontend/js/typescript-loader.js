// Lets Node.js older than 22.18 run TypeScript inside a sandbox: preloaded by
// NODE_OPTIONS=--import. Newer ones take types out themselves, and this does
// nothing there.
//
// From start to end of a small agent.ts of two modules, median of 20 in turns
// with the others (milliseconds; Node 20.20.2, two shared cores):
//
//    55  a plain .js program, nothing preloaded
//    62  the same with this preloaded: a folder is read, no more
//    96  hooks that do nothing: Node 20 starts a thread for them
//    99  this: sucrase in the hooks
//   139  amaro 1.2.1, Node's own stripper, in the same hooks: 3.7 MB to load
//   210  tsx 4.23 by --import
//
// So sucrase it is. It removes types and keeps every line's number, and it
// knows enums and parameter properties, which Node's own stripping refuses.
// Not supported: namespaces with values, decorators, JSX, `import x =
// require()`; in CommonJS also `require.main` and require() without an ending.
import { readdirSync } from "node:fs";
import module from "node:module";
import { dirname } from "node:path";

const typescript = /\.[cm]?ts$/;

function needed() {
  const entry = process.argv[1];
  if (process.features.typescript || !entry) return false;
  if (typescript.test(entry)) return true;
  if (entry.includes("/node_modules/")) return false;
  try {
    return readdirSync(dirname(entry)).some((name) => typescript.test(name) && !name.endsWith(".d.ts"));
  } catch {
    return false;
  }
}

if (needed()) {
  if (module.registerHooks) {
    const { load, resolve } = await import("./typescript-hooks.mjs");
    module.registerHooks({ load, resolve });
  } else {
    module.register("./typescript-hooks.mjs", import.meta.url);
  }
}
