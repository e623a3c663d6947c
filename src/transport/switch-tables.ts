import type { FlowModCommand } from "../diff/flow-mod.ts";
import { type Flow, FlowFlag, type FlowKey } from "../flow/flow.ts";
import { type FlowReferences, flowReferences } from "./flow-references.ts";
import { constraintsOf, namesInternals, overlap } from "./match-overlap.ts";
import { filterCovers } from "./read-filter.ts";
import { switchError } from "./switch-error.ts";
import type { InstalledFlow, ReadFilter, RemovalReason, SwitchError } from "./transport.ts";

/** In an ADD over an existing flow this cookie leaves the old one in place. */
const KEEP_COOKIE = 0xffff_ffff;

/** Tables of Open vSwitch that controllers may use: 0 to 253. */
export const OPEN_VSWITCH_TABLES = 254;

/** What a table does when a flow would be one too many. */
export type OverflowPolicy = "refuse" | "evict";

/** How many flows a table holds at most. */
export interface TableLimit {
  readonly maxFlows: number;
  /** Default `refuse`: the flow is refused with `OFPFMFC_TABLE_FULL`. */
  readonly overflow?: OverflowPolicy;
}

/** One flow as the switch holds it. Times are milliseconds of the switch's clock. */
interface Slot {
  /** The flow's place within its table. */
  readonly id: string;
  readonly flow: Flow;
  packets: bigint;
  bytes: bigint;
  /** When it was added: `duration` counts from here. */
  readonly created: number;
  /** When it was added or modified last: the hard timeout counts from here. */
  readonly modified: number;
  /** When the last packet hit it: the idle timeout counts from here. */
  used: number;
}

/** One thing that happened to one key. */
export interface SlotChange {
  readonly change: "added" | "modified" | "deleted";
  readonly flow: Flow;
  /** Of a deletion. */
  readonly reason: RemovalReason | undefined;
  /** A modify that changed nothing: no monitor tells of it. */
  readonly quiet: boolean;
}

interface JournalEntry extends SlotChange {
  readonly table: number;
  readonly id: string;
  readonly before: Slot | undefined;
}

export interface SwitchTablesOptions {
  readonly now: () => number;
  /** Number of tables, 1 to 255. */
  readonly tables: number;
  /** Refuse flows that name groups or meters which do not exist. */
  readonly checkReferences: boolean;
}

/**
 * The flow tables of the in-memory switch and the rules by which they change, after Open vSwitch 3.1 (`ofproto.c`) and
 * OpenFlow 1.5.1 §6.4. Knows nothing of connections: one call, one flow-mod.
 *
 * Invariant: everything that changes a slot, packet counters aside, goes through `#put` and `#remove`, which write the journal. So
 * `rollBack` undoes exactly what was done since the last `takeChanges`.
 */
export class SwitchTables {
  readonly #options: SwitchTablesOptions;
  readonly #tables = new Map<number, Map<string, Slot>>();
  readonly #limits = new Map<number, TableLimit>();
  readonly #groups = new Set<number>();
  readonly #meters = new Set<number>();
  /** Slots with a timeout. */
  readonly #timed = new Set<Slot>();
  #journal: JournalEntry[] = [];
  #size = 0;

  constructor(options: SwitchTablesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  sizeOf(table: number): number {
    return this.#tables.get(table)?.size ?? 0;
  }

  /** Carries one flow-mod out, or returns why not; then nothing has changed. */
  apply(command: FlowModCommand, flow: Flow): SwitchError | undefined {
    const { tables } = this.#options;
    if (flow.table >= tables) {
      // Open vSwitch's last table is its own: there is nothing in it to modify or delete, and nothing may be added.
      if (tables !== OPEN_VSWITCH_TABLES) return switchError("OFPBRC_BAD_TABLE_ID");
      return command === "add" ? switchError("OFPBRC_EPERM") : undefined;
    }
    if (command === "add") return this.#add(flow);
    if (command === "modify") return this.#modify(flow);
    const id = slotId(flow);
    const slot = this.#tables.get(flow.table)?.get(id);
    if (slot !== undefined) this.#remove(slot, "delete");
    return undefined;
  }

  /** Deletes all flows that the filter covers. */
  deleteAll(filter: ReadFilter): void {
    for (const slot of [...this.#slots(filter)]) this.#remove(slot, "delete");
  }

  /** What happened since the last call, in order. */
  takeChanges(): readonly SlotChange[] {
    const changes = this.#journal;
    if (changes.length > 0) this.#journal = [];
    return changes;
  }

  /** Undoes everything since the last {@link takeChanges}. */
  rollBack(): void {
    const journal = this.#journal;
    for (let i = journal.length - 1; i >= 0; i--) {
      const { table, id, before } = journal[i] as JournalEntry;
      this.#write(table, id, before);
    }
    this.#journal = [];
  }

  /** Forgets all flows, groups and meters without a trace, as a restart does. Limits are configuration and stay. */
  wipe(): void {
    this.#tables.clear();
    this.#timed.clear();
    this.#groups.clear();
    this.#meters.clear();
    this.#journal = [];
    this.#size = 0;
  }

  /** `undefined` lifts the limit. With `evict`, flows beyond the limit go at once, as far as they may. */
  limit(table: number, limit: TableLimit | undefined): void {
    if (limit === undefined) {
      this.#limits.delete(table);
      return;
    }
    this.#limits.set(table, limit);
    while (limit.overflow === "evict" && this.sizeOf(table) > limit.maxFlows && this.#evictOne(table)) {
      // one flow goes per turn
    }
  }

  addGroup(id: number): void {
    this.#groups.add(id);
  }

  addMeter(id: number): void {
    this.#meters.add(id);
  }

  hasGroup(id: number): boolean {
    return this.#groups.has(id);
  }

  hasMeter(id: number): boolean {
    return this.#meters.has(id);
  }

  /** Removes a group; the flows that use it go with it. */
  removeGroup(id: number): void {
    if (!this.#groups.delete(id)) return;
    for (const slot of [...this.#slots({})]) {
      if (flowReferences(slot.flow.instructions.bytes).groups.includes(id)) this.#remove(slot, "groupDelete");
    }
  }

  /** Removes a meter; the flows that use it go with it. */
  removeMeter(id: number): void {
    if (!this.#meters.delete(id)) return;
    for (const slot of [...this.#slots({})]) {
      if (flowReferences(slot.flow.instructions.bytes).meters.includes(id)) this.#remove(slot, "meterDelete");
    }
  }

  /** Counts packets that hit a flow; `false` when there is no such flow. */
  hit(key: FlowKey, packets: bigint, bytes: bigint): boolean {
    const slot = this.#tables.get(key.table)?.get(slotId(key));
    if (slot === undefined) return false;
    slot.packets += packets;
    slot.bytes += bytes;
    if (packets > 0n) slot.used = this.#options.now();
    return true;
  }

  get(key: FlowKey): InstalledFlow | undefined {
    const slot = this.#tables.get(key.table)?.get(slotId(key));
    return slot === undefined ? undefined : this.#report(slot);
  }

  /** A copy of what the filter covers, tables ascending, within a table in the order of arrival. */
  snapshot(filter: ReadFilter): InstalledFlow[] {
    const flows: InstalledFlow[] = [];
    for (const slot of this.#slots(filter)) flows.push(this.#report(slot));
    return flows;
  }

  /** Puts a flow in place with given counters, without any check. For loading a dump. */
  restore(flow: Flow, counters: { packets: bigint; bytes: bigint; ageMs: number }): void {
    const now = this.#options.now();
    const { packets, bytes, ageMs } = counters;
    this.#put({ id: slotId(flow), flow, packets, bytes, created: now - ageMs, modified: now, used: now }, "added");
  }

  /** Removes the flows whose time is over. */
  expire(): void {
    const now = this.#options.now();
    for (const slot of [...this.#timed]) {
      if (now >= hardDeadline(slot)) this.#remove(slot, "hardTimeout");
      else if (now >= idleDeadline(slot)) this.#remove(slot, "idleTimeout");
    }
  }

  /** When the next flow expires if nothing hits it; `Infinity` = never. */
  nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const slot of this.#timed) next = Math.min(next, hardDeadline(slot), idleDeadline(slot));
    return next;
  }

  #add(flow: Flow): SwitchError | undefined {
    const id = slotId(flow);
    const references = flowReferences(flow.instructions.bytes);
    const error = this.#checkGoto(flow, references) ?? this.#checkReferences(references);
    if (error !== undefined) return error;
    if (namesInternals(flow.match)) return switchError("OFPBRC_EPERM");
    const now = this.#options.now();
    const before = this.#tables.get(flow.table)?.get(id);
    if (before === undefined) {
      if ((flow.flags & FlowFlag.checkOverlap) !== 0 && this.#overlaps(flow)) return switchError("OFPFMFC_OVERLAP");
      const limit = this.#limits.get(flow.table);
      if (limit !== undefined && this.sizeOf(flow.table) >= limit.maxFlows) {
        if (limit.overflow !== "evict" || !this.#evictOne(flow.table)) return switchError("OFPFMFC_TABLE_FULL");
      }
      this.#put({ id, flow: flow, packets: 0n, bytes: 0n, created: now, modified: now, used: now }, "added");
      return undefined;
    }
    const keepCookie = flow.cookieHigh === KEEP_COOKIE && flow.cookieLow === KEEP_COOKIE;
    const reset = (flow.flags & FlowFlag.resetCounts) !== 0;
    this.#put(
      {
        id,
        flow: keepCookie ? flow.with({ cookie: before.flow.cookie }) : flow,
        packets: reset ? 0n : before.packets,
        bytes: reset ? 0n : before.bytes,
        created: now,
        modified: now,
        used: before.used,
      },
      "added",
    );
    return undefined;
  }

  #modify(flow: Flow): SwitchError | undefined {
    const references = flowReferences(flow.instructions.bytes);
    const wrong = this.#checkGoto(flow, references);
    if (wrong !== undefined) return wrong;
    const before = this.#tables.get(flow.table)?.get(slotId(flow));
    if (before === undefined) return undefined;
    const error = this.#checkReferences(references);
    if (error !== undefined) return error;
    const reset = (flow.flags & FlowFlag.resetCounts) !== 0;
    this.#put(
      {
        ...before,
        flow: before.flow.with({ instructions: flow.instructions }),
        modified: this.#options.now(),
        packets: reset ? 0n : before.packets,
        bytes: reset ? 0n : before.bytes,
      },
      "modified",
      before.flow.instructions.equals(flow.instructions),
    );
    return undefined;
  }

  #checkGoto(flow: Flow, { goto }: FlowReferences): SwitchError | undefined {
    const { tables } = this.#options;
    return goto >= 0 && (goto <= flow.table || (tables < OPEN_VSWITCH_TABLES && goto >= tables))
      ? switchError("OFPBIC_BAD_TABLE_ID")
      : undefined;
  }

  #checkReferences({ groups, meters }: FlowReferences): SwitchError | undefined {
    if (!this.#options.checkReferences) return undefined;
    if (meters.some((id) => !this.#meters.has(id))) return switchError("OFPMMFC_INVALID_METER");
    if (groups.some((id) => !this.#groups.has(id))) return switchError("OFPBAC_BAD_OUT_GROUP");
    return undefined;
  }

  #overlaps(flow: Flow): boolean {
    const mine = constraintsOf(flow.match);
    for (const { flow: other } of this.#tables.get(flow.table)?.values() ?? []) {
      if (other.priority === flow.priority && overlap(mine, constraintsOf(other.match))) return true;
    }
    return false;
  }

  // Only flows with a timeout can be evicted: the least important first, of those the one that would expire next.
  #evictOne(table: number): boolean {
    let victim: Slot | undefined;
    for (const slot of this.#timed) {
      if (slot.flow.table === table && (victim === undefined || goesBefore(slot, victim))) victim = slot;
    }
    if (victim === undefined) return false;
    this.#remove(victim, "eviction");
    return true;
  }

  #put(slot: Slot, change: "added" | "modified", quiet = false): void {
    const { id, flow } = slot;
    const before = this.#write(flow.table, id, slot);
    this.#journal.push({ change, flow, reason: undefined, quiet, table: flow.table, id, before });
  }

  #remove(slot: Slot, reason: RemovalReason): void {
    const { id, flow } = slot;
    const before = this.#write(flow.table, id, undefined);
    this.#journal.push({ change: "deleted", flow, reason, quiet: false, table: flow.table, id, before });
  }

  #write(table: number, id: string, slot: Slot | undefined): Slot | undefined {
    let slots = this.#tables.get(table);
    if (slots === undefined) {
      slots = new Map();
      this.#tables.set(table, slots);
    }
    const before = slots.get(id);
    if (before !== undefined) this.#timed.delete(before);
    if (slot === undefined) slots.delete(id);
    else {
      slots.set(id, slot);
      if (slot.flow.idleTimeout !== 0 || slot.flow.hardTimeout !== 0) this.#timed.add(slot);
    }
    this.#size += (slot === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    return before;
  }

  *#slots(filter: ReadFilter): Generator<Slot> {
    const tables = filter.table === undefined ? [...this.#tables.keys()].sort((a, b) => a - b) : [filter.table];
    for (const table of tables) {
      for (const slot of this.#tables.get(table)?.values() ?? []) if (filterCovers(filter, slot.flow)) yield slot;
    }
  }

  #report(slot: Slot): InstalledFlow {
    return {
      flow: slot.flow,
      packetCount: slot.packets,
      byteCount: slot.bytes,
      durationSeconds: (this.#options.now() - slot.created) / 1000,
    };
  }
}

// Priority and match bytes as characters: cheap to build and exact.
function slotId(key: FlowKey): string {
  return String.fromCharCode(key.priority, ...key.match.bytes);
}

function hardDeadline({ flow, modified }: Slot): number {
  return flow.hardTimeout === 0 ? Number.POSITIVE_INFINITY : modified + flow.hardTimeout * 1000;
}

function idleDeadline({ flow, used }: Slot): number {
  return flow.idleTimeout === 0 ? Number.POSITIVE_INFINITY : used + flow.idleTimeout * 1000;
}

function goesBefore(a: Slot, b: Slot): boolean {
  if (a.flow.importance !== b.flow.importance) return a.flow.importance < b.flow.importance;
  const [endA, endB] = [Math.min(hardDeadline(a), idleDeadline(a)), Math.min(hardDeadline(b), idleDeadline(b))];
  // Among equals the key decides, so that what happened before cannot show.
  return endA === endB ? a.id < b.id : endA < endB;
}
