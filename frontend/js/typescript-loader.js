// Lets Node.js older than 22.18 run TypeScript inside a sandbox: preloaded by
// NODE_OPTIONS=--import. A program with no TypeScript about pays one readdir.
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
