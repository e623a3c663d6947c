import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import { PackedBatch } from "./flow-mod-batch.ts";
import { bucketOf, type FlowModOrder } from "./flow-mod-order.ts";
import { ADD, DELETE, MODIFY, NOTHING } from "./key-store.ts";
import { KEY_INSTALLED } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { keysOf } from "./store-scan.ts";
import { ValueComparison } from "./value-comparison.ts";

/** One flow-mod to be: the command, and where its flow is in the unordered list. */
interface Found {
  readonly bucket: number;
  readonly command: number;
  readonly index: number;
}

/** Compares what one store wants with what another one has installed, key by key. */
export function diffStores(desired: PackedStore, installed: PackedStore, order: FlowModOrder): FlowModBatch {
  const flows = new FlowList();
  const found: Found[] = [];
  const scratch = new FlowList(1);
  const comparison = new ValueComparison(desired, installed);
  const note = (operation: number, id: number): void => {
    found.push({ bucket: bucketOf(operation, (id >>> 16) & 0xff, order), command: operation - 1, index: flows.length - 1 });
  };
  for (const key of keysOf(desired.arena.words, desired.arena.top, true)) {
    const value = desired.wantedValue(key);
    scratch.clear();
    desired.appendTo(scratch, key, 0);
    const other = installed.findKey(scratch.words, 0);
    const operation = other === 0 ? ADD : operationBetween(installed, other, comparison, value);
    if (operation === NOTHING) continue;
    desired.appendTo(flows, key, value);
    note(operation, desired.arena.words[key] as number);
  }
  for (const key of keysOf(installed.arena.words, installed.arena.top, false)) {
    const m = installed.arena.words;
    const value = m[key + KEY_INSTALLED] as number;
    if (value === 0 && !installed.isUnknown(key)) continue;
    scratch.clear();
    installed.appendTo(scratch, key, 0);
    const wanted = desired.findKey(scratch.words, 0);
    if (wanted !== 0 && desired.wantedValue(wanted) !== 0) continue;
    installed.appendTo(flows, key, value);
    note(DELETE, m[key] as number);
  }
  found.sort((a, b) => a.bucket - b.bucket || a.index - b.index);
  const ordered = new FlowList(Math.max(1, found.length));
  const commands = new Uint8Array(found.length);
  found.forEach(({ command, index }, i) => {
    commands[i] = command;
    ordered.copyFrom(flows, index);
  });
  return new PackedBatch(commands, ordered);
}

function operationBetween(installed: PackedStore, key: number, comparison: ValueComparison, wanted: number): number {
  const m = installed.arena.words;
  const present = m[key + KEY_INSTALLED] as number;
  if (present === 0 || installed.isUnknown(key)) return ADD;
  if (!comparison.sameAttributes(wanted, present)) return ADD;
  return comparison.sameInstructions(wanted, present) ? NOTHING : MODIFY;
}
