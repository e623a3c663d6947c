import { DesiredFlowTable } from "../table/desired-table.ts";
import type { FlowModBatch } from "../table/flow-mod.ts";
import type { FlowModOrder } from "../table/flow-mod-order.ts";
import { InstalledFlowTable } from "../table/installed-table.ts";
import { diffStores } from "../table/table-comparison.ts";

export type { FlowModOrder };

/**
 * The flow-mods that make a switch which holds `installed` hold what `desired` wants: at most one per key, none where they
 * agree, in an order that does no harm. Reads both tables whole; changes neither.
 *
 * `installed` may be the table's own (`desired.installed`), which is several times quicker, or any other. Keys whose state is
 * unknown are written or deleted. Refused flows are differences like others here.
 */
export function diffTables(
  desired: DesiredFlowTable,
  installed: InstalledFlowTable,
  options: { readonly order?: FlowModOrder } = {},
): FlowModBatch {
  const order = options.order ?? "makeBeforeBreak";
  if (installed === desired.installed) return InstalledFlowTable.compare(installed, order);
  return diffStores(DesiredFlowTable.storeOf(desired), InstalledFlowTable.storeOf(installed), order);
}
