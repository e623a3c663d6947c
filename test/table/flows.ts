import { fromHex } from "../../src/bytes.ts";
import type { FlowMod } from "../../src/diff/flow-mod.ts";
import { Flow, type FlowInit } from "../../src/flow/flow.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { Match } from "../../src/flow/match.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import type { BatchFates } from "../../src/table/flow-mod-round.ts";
import { naiveKey } from "../../src/testing/naive-table.ts";

/** A match on one 32-bit register; different numbers are different keys. */
export function matchOf(n: number): Match {
  return Match.fromCanonical(fromHex(`8000 1604 ${(n >>> 0).toString(16).padStart(8, "0")}`) as Uint8Array);
}

/** Applied actions from hexadecimal text. */
export function apply(...actions: string[]): Instructions {
  const body = actions.join("").replaceAll(" ", "");
  const length = (8 + body.length / 2).toString(16).padStart(4, "0");
  return Instructions.fromCanonical(fromHex(`0004${length}00000000${body}`) as Uint8Array);
}

/** `output:port`. */
export function output(port: number): Instructions {
  return apply(`0000 0010 ${port.toString(16).padStart(8, "0")} ffff 000000000000`);
}

/** `conjunction(id,1/2)` for each id. */
export function conjunction(...ids: number[]): Instructions {
  return apply(...ids.map((id) => `ffff 0010 00002320 0022 00 02 ${id.toString(16).padStart(8, "0")}`));
}

export const drop: Instructions = Instructions.drop;

/** A flow of table 1 with priority 10. */
export function flowOf(key: number, instructions: Instructions, init: FlowInit = {}): Flow {
  return new Flow({ table: 1, priority: 10, match: matchOf(key), instructions, ...init });
}

/** `add 0a01 c=2 <instructions>`: what went out, in short. */
export function describeMod({ command, flow }: FlowMod): string {
  if (command === "delete") return `delete ${naiveKey(flow)}`;
  return `${command} ${naiveKey(flow)} c=${flow.cookie} ${[...flow.instructions.bytes].join(".")}`;
}

export const ALL_APPLIED: BatchFates = { fate: "applied", refused: new Map(), unknown: new Set() };

/** Sends everything that is pending to a switch that accepts it all, and returns it. */
export function put(table: DesiredFlowTable): FlowMod[] {
  const sent: FlowMod[] = [];
  const round = table.startRound();
  for (let batch = round?.next({ maxFlowMods: 100 }); batch !== undefined; batch = round?.next({ maxFlowMods: 100 })) {
    sent.push(...batch);
    round?.settle(batch, ALL_APPLIED);
  }
  table.validate();
  return sent;
}

/** Makes a table work as a large one does: by the WebAssembly code. */
export function startCode(table: DesiredFlowTable): void {
  const store = DesiredFlowTable.storeOf(table);
  store.arena.ensure(1 << 15);
  if (store.arena.core === undefined) throw new Error("no WebAssembly code");
  Object.defineProperty(store, "isFar", { get: () => store.isUsual });
}

/** A small generator, so that long runs need no arrays of steps. */
export function numbers(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
