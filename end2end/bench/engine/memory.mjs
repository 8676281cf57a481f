// What a sandbox that does nothing holds in memory, alone and with a Python
// that waits. The kernel shares out what processes have in common, so many
// sandboxes are measured together.
import { report } from "../measure.mjs";

const COUNT = 20;

export async function memory(engine) {
  const sandboxes = await Promise.all(Array.from({ length: COUNT }, () => engine.create()));
  report("engine: memory of an idle sandbox", engine.memoryOfSandboxes() / COUNT, "MiB", 2, "the aim");
  for (const sandbox of sandboxes) {
    await engine.toolbox(sandbox, "POST", "/process/code-run", { code: "print(1)", language: "python" });
  }
  report("engine: memory with its Python waiting", engine.memoryOfSandboxes() / COUNT, "MiB", 6, "the aim");
}
