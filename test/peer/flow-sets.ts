/** The flow sets of `test/vectors/flowsets`: what a controller wants, what a switch holds, and how the two differ. */
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Flow } from "../../src/flow/flow.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { parseFlows } from "../../src/text/parse-flows.ts";

const FOLDER = new URL("../vectors/flowsets/", import.meta.url).pathname;

/** The text of a file of a set, unpacked if need be. */
export function flowSetText(set: string, file: string): string {
  const path = `${FOLDER}${set}/${file}`;
  return existsSync(path) ? readFileSync(path, "utf8") : gunzipSync(readFileSync(`${path}.gz`)).toString("utf8");
}

/**
 * The flows of a file of a set. The synthetic ones are written as ovs-ofctl takes them, with host bits under masks; the real ones
 * have lines that ovs-ofctl does not read back.
 */
export function flowSet(set: string, file: string, version: OpenFlowVersion = "OpenFlow13"): Flow[] {
  const flows: Flow[] = [];
  const compat = set === "ovn-real-6k" ? "strict" : "ovs";
  for (const { flow } of parseFlows(flowSetText(set, file), { version, compat })) flows.push(flow);
  return flows;
}

/** How many flow-mods the difference of a set needs: one per key. `file`: output of `ovs-ofctl diff-flows`. */
export function neededFlowMods(set: string, file: string): { readonly writes: number; readonly deletes: number } {
  const minus = new Set<string>();
  const plus = new Set<string>();
  for (const line of flowSetText(set, file).split("\n")) {
    const text = line.slice(1);
    // The key stands before the first attribute that is not part of it; `diff-flows` prints table, priority and match first.
    const key = text.replace(/ (cookie|idle_timeout|hard_timeout|importance|send_flow_rem|actions)[=\s].*$/, "");
    if (line.startsWith("-")) minus.add(key);
    else if (line.startsWith("+")) plus.add(key);
  }
  return { writes: plus.size, deletes: [...minus].filter((key) => !plus.has(key)).length };
}
