// Three workers at once; their output comes as it is made.
const topics = ["engines", "tyres", "weather"];

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function research(topic, pace) {
  for (const step of ["searching", "reading", "summing up"]) {
    console.log(`${topic.padEnd(8)} ${step}`);
    await wait(pace);
  }
  return { topic, words: topic.length * 120 };
}

async function main() {
  console.log(`Node.js ${process.versions.node}, ${topics.length} workers`);
  const reports = await Promise.all(topics.map((topic, i) => research(topic, 200 + i * 90)));
  console.log(JSON.stringify(reports, null, 2));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
