// The tools the agent may call. Each takes a while, as if it came over a network.

export interface Tool {
  name: "laps" | "compare";
  call: (argument: string) => Promise<string>;
}

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const tools: Tool[] = [
  {
    name: "laps",
    async call(): Promise<string> {
      await wait(300);
      return "84.212 83.907 84.655 83.871";
    },
  },
  {
    name: "compare",
    async call(laps: string): Promise<string> {
      await wait(200);
      const times = laps.split(" ").map(Number);
      const [first = 0, second = 0] = [...times].sort((a, b) => a - b);
      return `lap ${times.indexOf(first) + 1}, by ${(second - first).toFixed(3)} s`;
    },
  },
];
