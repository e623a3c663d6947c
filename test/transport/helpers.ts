import { fromHex } from "../../src/bytes.ts";
import type { FlowMod, FlowModBatch, FlowModCommand } from "../../src/diff/flow-mod.ts";
import { flowModBatch } from "../../src/diff/flow-mod-batch.ts";
import { Flow, type FlowInit } from "../../src/flow/flow.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { Match } from "../../src/flow/match.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { MemorySwitch, type MemorySwitchOptions } from "../../src/transport/memory-switch.ts";
import type { BatchResult, TransportEvent } from "../../src/transport/transport.ts";

export const batchOf = (...mods: readonly FlowMod[]): FlowModBatch => flowModBatch(mods);

export const add = (flow: Flow): FlowMod => ({ command: "add", flow });
export const modify = (flow: Flow): FlowMod => ({ command: "modify", flow });
export const remove = (flow: Flow): FlowMod => ({ command: "delete", flow });

/** `in_port=n`. */
export const inPort = (n: number): Match => Match.fromCanonical(bytes(`80000004${n.toString(16).padStart(8, "0")}`));

/** `apply(output:n)`. */
export const output = (n: number): Instructions => actions(`00000010${n.toString(16).padStart(8, "0")}0000000000000000`);

/** `apply(…)` of actions written in hexadecimal. */
export const actions = (hex: string): Instructions => {
  const body = bytes(hex);
  return Instructions.fromCanonical(bytes(`0004${(body.length + 8).toString(16).padStart(4, "0")}00000000${hex}`));
};

/** `goto_table:n`. */
export const gotoTable = (n: number): Instructions =>
  Instructions.fromCanonical(bytes(`00010008${n.toString(16).padStart(2, "0")}000000`));

export const group = (n: number): Instructions => actions(`00160008${n.toString(16).padStart(8, "0")}`);
export const meter = (n: number): Instructions => actions(`001d0008${n.toString(16).padStart(8, "0")}`);

export const flow = (init: FlowInit = {}): Flow => new Flow({ instructions: output(1), ...init });

export function bytes(hex: string): Uint8Array {
  const read = fromHex(hex);
  if (read === undefined) throw new Error(`not hexadecimal: ${hex}`);
  return read;
}

/** A switch that is up, its clock, and what its transport tells. */
export async function upSwitch(
  options: MemorySwitchOptions = {},
): Promise<{ clock: ManualClock; device: MemorySwitch; events: TransportEvent[]; send: SendOne }> {
  const clock = new ManualClock();
  const device = new MemorySwitch({ clock, ...options });
  const events: TransportEvent[] = [];
  device.open();
  await clock.run(0);
  device.subscribe((event) => events.push(event));
  const send: SendOne = async (command, ...flows) => {
    const result = device.send(batchOf(...flows.map((one) => ({ command, flow: one }))));
    await clock.run(0);
    return result;
  };
  return { clock, device, events, send };
}

export type SendOne = (command: FlowModCommand, ...flows: readonly Flow[]) => Promise<BatchResult>;

/** Names of the errors, by index. */
export function refusals(result: BatchResult): Record<number, string> {
  return Object.fromEntries([...result.refused].map(([index, error]) => [index, error.name]));
}
