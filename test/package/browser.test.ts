import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { built } from "./built.ts";

const PROGRAM = (entry: string): string => `
  import { DesiredFlowTable, diffTables, formatFlow, ownerFor, parseFlow } from ${JSON.stringify(entry)};
  const table = new DesiredFlowTable();
  table.addFlow(ownerFor("browser"), parseFlow("table=3,priority=100,tcp,tp_dst=80,actions=resubmit(,4)"));
  globalThis.result = [...diffTables(table, table.installed)].map((mod) => mod.command + " " + formatFlow(mod.flow, { version: "OpenFlow15" }));
`;

test("the root entry bundles for a browser and runs without anything of Node", async () => {
  const bundle = await build({
    stdin: { contents: PROGRAM(built("index.js")), resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    logLevel: "silent",
  });
  const code = bundle.outputFiles[0]?.text as string;
  expect(code).not.toMatch(/\brequire\(|node:/);
  // What a browser has of what a Node context lacks.
  const context = createContext({ performance, setTimeout, clearTimeout, TextEncoder, TextDecoder, queueMicrotask, crypto });
  runInContext(code, context);
  expect(context.result).toEqual(["add table=3, priority=100,tcp,tp_dst=80 actions=resubmit(,4)"]);
});
