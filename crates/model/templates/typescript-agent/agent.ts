// A small agent loop: think, act, observe, until there is an answer.
import { tools, type Tool } from "./tools.ts";

interface Thought {
  reason: string;
  call?: { tool: Tool["name"]; argument: string };
}

const goal = "Which lap was the fastest, and by how much?";

function think(observations: string[]): Thought {
  switch (observations.length) {
    case 0:
      return { reason: "I have to see the laps first.", call: { tool: "laps", argument: "today" } };
    case 1:
      return { reason: "Now I compare them.", call: { tool: "compare", argument: observations[0] ?? "" } };
    default:
      return { reason: `The answer is: ${observations.at(-1)}` };
  }
}

async function run(): Promise<void> {
  console.log(`Goal: ${goal}`);
  const observations: string[] = [];
  for (let step = 1; step <= 10; step += 1) {
    const thought = think(observations);
    console.log(`\n[${step}] ${thought.reason}`);
    if (!thought.call) return;
    const { tool: name, argument } = thought.call;
    const tool = tools.find((candidate) => candidate.name === name);
    if (!tool) throw new Error(`no tool is called ${name}`);
    console.log(`    ${name}(${JSON.stringify(argument)})`);
    const observation = await tool.call(argument);
    console.log(`    -> ${observation}`);
    observations.push(observation);
  }
}

await run();
