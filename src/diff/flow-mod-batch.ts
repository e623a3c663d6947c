import { OfsyncError } from "../errors.ts";
import { FlowList } from "../table/flow-list.ts";
import { FLOW_MOD_COMMANDS, type FlowMod, type FlowModBatch } from "../table/flow-mod.ts";
import { PackedBatch } from "../table/flow-mod-batch.ts";
import { bucketOf, type FlowModOrder } from "../table/flow-mod-order.ts";

/** Flow-mods as a batch, in the order given. Throws `FLOW_MOD_COMMAND` or `FLOW_TYPE` with the index of what is no flow-mod. */
export function flowModBatch(mods: Iterable<FlowMod>): FlowModBatch {
  const flows = new FlowList();
  const commands: number[] = [];
  for (const { command, flow } of mods) {
    const code = FLOW_MOD_COMMANDS.indexOf(command);
    if (code < 0) {
      throw new OfsyncError("FLOW_MOD_COMMAND", `there is no flow-mod "${String(command)}"`, {
        place: { index: commands.length, field: "command" },
        hint: "use add, modify or delete",
      });
    }
    flows.append(flow);
    commands.push(code);
  }
  return new PackedBatch(Uint8Array.from(commands), flows);
}

/** Flow-mods in the order that does no harm ({@link FlowModOrder}); those of one table and stage stay in the order given. */
export function orderFlowMods(mods: Iterable<FlowMod>, order: FlowModOrder = "makeBeforeBreak"): FlowMod[] {
  const placed = [...mods].map((mod) => ({
    mod,
    bucket: bucketOf(FLOW_MOD_COMMANDS.indexOf(mod.command) + 1, mod.flow.table, order),
  }));
  return placed.sort((a, b) => a.bucket - b.bucket).map(({ mod }) => mod);
}
