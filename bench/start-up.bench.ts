// What importing an entry adds to the start of an empty Node process.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { measure } from "./child.ts";
import { measured, record, smoke } from "./record.ts";

const root = new URL("..", import.meta.url).pathname;
if (!existsSync(join(root, "dist/index.js"))) throw new Error("dist/index.js is missing: npm run build");

const programs: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["empty", ["--input-type=module", "-e", ""]],
  ["ofsync", ["--input-type=module", "-e", `import ${JSON.stringify(join(root, "dist/index.js"))}`]],
  ["ofsync, CommonJS", ["-e", `require(${JSON.stringify(join(root, "dist/index.cjs"))})`]],
  ["ofsync/openflow", ["--input-type=module", "-e", `import ${JSON.stringify(join(root, "dist/openflow.js"))}`]],
  ["ofsync --version", [join(root, "dist/cli.js"), "--version"]],
];
const times = programs.map((): number[] => []);
// In turn, so that a change of the machine's load meets all of them alike.
for (let round = 0; round < (smoke ? 2 : 21); round++) {
  for (const [index, [, args]] of programs.entries()) {
    const run = await measure(process.execPath, args);
    if (run.status !== 0) throw new Error(`${programs[index]?.[0]}: exit status ${run.status}`);
    times[index]?.push(run.milliseconds);
  }
}
const empty = times[0] as number[];
record({ name: "start-up/empty process", unit: "ms", ...measured(empty) });
for (const [index, [name]] of programs.entries()) {
  if (index === 0) continue;
  const onTop = (times[index] as number[]).map((milliseconds, round) => milliseconds - (empty[round] as number));
  const goal = name === "ofsync" ? { peer: { name: "15 ms", value: 15 }, goal: 1 } : {};
  record({ name: `start-up/${name}, on top of it`, unit: "ms", ...measured(onTop), ...goal });
}
