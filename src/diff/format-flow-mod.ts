import { Flow } from "../flow/flow.ts";
import type { FlowMod } from "../table/flow-mod.ts";
import { type FormatFlowOptions, formatFlow } from "../text/format-flow.ts";

const NO_ACTIONS = " actions=drop";

/**
 * A flow-mod as a line of a file that `ovs-ofctl add-flows` (or `bundle`) reads: `add …`, `modify_strict …`, `delete_strict …`.
 * Of a modify only the key and the actions are shown, of a delete only the key: nothing else of them takes effect.
 */
export function formatFlowMod(mod: FlowMod, options: FormatFlowOptions = {}): string {
  const { command, flow } = mod;
  if (command === "add") return `add ${formatFlow(flow, options)}`;
  const { table, priority, match, instructions } = flow;
  if (command === "modify") return `modify_strict ${formatFlow(new Flow({ table, priority, match, instructions }), options)}`;
  const text = formatFlow(new Flow({ table, priority, match }), options);
  return `delete_strict ${text.slice(0, text.length - NO_ACTIONS.length)}`;
}
