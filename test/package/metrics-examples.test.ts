// The examples of docs/metrics.md run. The libraries of others are not installed: stand-ins with the part of their interface that
// the examples use take their place, and are as strict about names, labels and numbers as they are.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { root } from "./built.ts";

const folder = join(root, ".cache/docs");
const examples = [...readFileSync(join(root, "docs/metrics.md"), "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(
  (found) => found[1] as string,
);

const SHARED = `
globalThis.seen ??= {};
function note(name, value, labels) {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error("name " + name);
  if (typeof value !== "number" || Number.isNaN(value)) throw new Error("value " + value);
  globalThis.seen[name + JSON.stringify(labels)] = (globalThis.seen[name + JSON.stringify(labels)] ?? 0) + value;
}
`;

const PROM_CLIENT = `${SHARED}
class Metric {
  constructor(options) {
    if (typeof options.help !== "string" || options.help === "") throw new Error("help");
    if (Metric.names.has(options.name)) throw new Error(options.name + " is registered already");
    Metric.names.add(options.name);
    this.options = options;
  }
  take(labels, value) {
    for (const label of Object.keys(labels)) if (!this.options.labelNames.includes(label)) throw new Error("label " + label);
    note(this.options.name, value, labels);
  }
}
Metric.names = new Set();
export class Counter extends Metric {
  inc(labels, value) {
    if (value < 0) throw new Error("a counter only grows");
    this.take(labels, value);
  }
}
export class Gauge extends Metric { set(labels, value) { this.take(labels, value); } }
export class Histogram extends Metric { observe(labels, value) { this.take(labels, value); } }
`;

const OPEN_TELEMETRY = `${SHARED}
const instrument = (method) => (name, options) => {
  if (typeof options.description !== "string") throw new Error("description");
  return { [method]: (value, attributes) => note(name, value, attributes) };
};
export const metrics = {
  getMeter: () => ({ createCounter: instrument("add"), createGauge: instrument("record"), createHistogram: instrument("record") }),
};
`;

beforeAll(() => {
  for (const [name, source] of [
    ["prom-client", PROM_CLIENT],
    ["@opentelemetry/api", OPEN_TELEMETRY],
  ] as const) {
    const place = join(folder, "node_modules", name);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "package.json"), JSON.stringify({ name, type: "module", exports: "./index.js" }));
    writeFileSync(join(place, "index.js"), source);
  }
});

/** Runs an example with a switch and a table at hand, until `ready` says so, and gives what `result` is then. */
function run(name: string, example: string, rest: string, ready: string, result: string): unknown {
  const missing = example.includes("Synchroniser }") ? "" : "const { Synchroniser } = lib;";
  const program = `
import * as lib from "ofsync";
${missing}
const table = new lib.DesiredFlowTable();
const transport = new lib.MemorySwitch();
table.setFlow(lib.ownerFor("somebody"), lib.parseFlow("in_port=1 actions=drop"));
${example}
${rest}
for (let i = 0; i < 5000 && !(${ready}); i++) await new Promise((resolve) => setTimeout(resolve, 2));
console.log("\\n" + JSON.stringify(${result}));
process.exit(0);
`;
  const file = join(folder, name);
  writeFileSync(file, program);
  const output = execFileSync(process.execPath, ["--import", "tsx", file], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, "tsconfig.json") },
  });
  return JSON.parse(output.trim().split("\n").at(-1) as string);
}

/** Once in step, a change whose confirmation is timed. */
const change = (labels: string): string => `
while (!(globalThis.seen?.['ofsync_in_sync${labels}'] >= 1)) await new Promise((resolve) => setTimeout(resolve, 2));
table.setFlow(lib.ownerFor("somebody"), lib.parseFlow("in_port=2 actions=drop"));`;

test("there are three examples", () => {
  expect(examples.map((example) => /prom-client|opentelemetry|diagnostics_channel/.exec(example)?.[0])).toEqual([
    "prom-client",
    "opentelemetry",
    "diagnostics_channel",
  ]);
});

test.each([
  ["prom-client", 0, "br-int", ""],
  ["OpenTelemetry", 1, "br-ex", 'new lib.Synchroniser({ table, transport, metrics, name: "br-ex" }).start();'],
])("%s hears of everything", (name, index, of, rest) => {
  const labels = JSON.stringify({ switch: of });
  const timed = `globalThis.seen['ofsync_confirmation_seconds${labels}'] !== undefined`;
  const seen = run(`metrics-${name}.ts`, examples[index] as string, rest + change(labels), timed, "globalThis.seen");
  expect(seen).toMatchObject({
    [`ofsync_flow_mods_total${JSON.stringify({ switch: of, kind: "add" })}`]: 2,
    [`ofsync_flow_mod_fates_total${JSON.stringify({ switch: of, kind: "applied" })}`]: 2,
    [`ofsync_connects_total${labels}`]: 1,
    [`ofsync_refused_flows${labels}`]: 0,
    [`ofsync_confirmation_seconds${labels}`]: expect.any(Number),
  });
});

test("diagnostics channels", () => {
  const rest = `const heard = []; subscribe("ofsync:sync:batch", (batch) => heard.push(batch));`;
  const heard = run("metrics-diagnostics.ts", examples[2] as string, rest, "heard.length > 0", "heard");
  expect(heard).toMatchObject([{ name: "br-int", flowMods: 1, applied: 1, refused: 0, unknown: 0 }]);
});
