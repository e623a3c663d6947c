// The smallest loop that keeps a switch in step with a table: what the synchroniser does, without any of its patience.
import type { Flow } from "../../src/flow/flow.ts";
import type { DesiredFlowTable } from "../../src/table/desired-table.ts";
import type { FlowMod } from "../../src/table/flow-mod.ts";
import type { FlowModOrder } from "../../src/table/flow-mod-order.ts";
import { MemorySwitch, type MemorySwitchOptions } from "../../src/transport/memory-switch.ts";
import type { SwitchError, Transport } from "../../src/transport/transport.ts";

/** A switch whose own transport is up. */
export async function upSwitch(options: MemorySwitchOptions = {}): Promise<MemorySwitch> {
  const device = new MemorySwitch({ connectDelayMs: 1, ...options });
  await up(device);
  return device;
}

/** Waits until the transport is up. */
export async function up(transport: Transport): Promise<void> {
  const isUp = new Promise<void>((resolve) => {
    const leave = transport.subscribe((event) => {
      if (event.type !== "up") return;
      leave();
      resolve();
    });
  });
  transport.open();
  if (!transport.isUp) await isUp;
}

/** Reads the switch into the table's knowledge of it. */
export async function readBack(table: DesiredFlowTable, transport: Transport): Promise<number> {
  const reading = table.installed.beginReadBack();
  let count = 0;
  try {
    for await (const chunk of transport.readFlows()) {
      for (const { flow } of chunk) reading.observe(flow);
      count += chunk.length;
    }
  } catch (error) {
    reading.abort();
    throw error;
  }
  reading.commit();
  return count;
}

export interface Sent {
  readonly mods: readonly FlowMod[];
  readonly refused: ReadonlyMap<Flow, SwitchError>;
  readonly unknown: boolean;
}

/** Sends one round of what differs. */
export async function sendRound(table: DesiredFlowTable, transport: Transport, order?: FlowModOrder): Promise<Sent> {
  const round = table.startRound(order === undefined ? {} : { order });
  const mods: FlowMod[] = [];
  const refused = new Map<Flow, SwitchError>();
  let unknown = false;
  if (round === undefined) return { mods, refused, unknown };
  for (let batch = round.next({ maxFlowMods: 300 }); batch !== undefined; batch = round.next({ maxFlowMods: 300 })) {
    const result = await transport.send(batch);
    round.settle(batch, result);
    mods.push(...batch);
    for (const [index, error] of result.refused) refused.set(batch.at(index).flow, error);
    if (result.fate === "unknown" || result.unknown.size > 0) unknown = true;
  }
  return { mods, refused, unknown };
}

/** A flow-mod in words that sort. */
export function line({ command, flow }: FlowMod): string {
  const value = command === "delete" ? "" : ` ${flow.cookie} ${flow.instructions.bytes.join(".")}`;
  return `${command} ${flow.table} ${flow.priority} ${flow.match.bytes.join(".")}${value}`;
}
