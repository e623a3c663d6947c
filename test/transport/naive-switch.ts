// A switch in the simplest words: a list of flows, searched from the front. Slow, short, and written from the rules alone.
import { compareBytes } from "../../src/bytes.ts";
import type { FlowMod } from "../../src/diff/flow-mod.ts";
import type { Flow } from "../../src/flow/flow.ts";

export interface NaiveFlow {
  flow: Flow;
  packets: bigint;
  created: number;
  modified: number;
  used: number;
}

export interface NaiveRules {
  readonly groups: ReadonlySet<number>;
  readonly maxFlows: number;
  readonly evicts: boolean;
  /** Group that a flow outputs to; 0 = none. */
  groupOf(flow: Flow): number;
  /** Could a packet match both? */
  overlap(a: Flow, b: Flow): boolean;
}

export class NaiveSwitch {
  flows: NaiveFlow[] = [];
  now = 0;
  readonly #rules: NaiveRules;

  constructor(rules: NaiveRules) {
    this.#rules = rules;
  }

  /** Names of the errors, `undefined` where applied. */
  batch(mods: readonly FlowMod[], atomic: boolean): (string | undefined)[] {
    this.expire();
    if (!atomic) return mods.map((mod) => this.one(mod));
    const before = this.flows.map((entry) => ({ ...entry }));
    for (const [index, mod] of mods.entries()) {
      const error = this.one(mod);
      if (error === undefined) continue;
      this.flows = before;
      return mods.map((_, i) => (i === index ? error : `BATCH_${error}`));
    }
    return mods.map(() => undefined);
  }

  one({ command, flow }: FlowMod): string | undefined {
    const { groups, maxFlows, evicts, groupOf, overlap } = this.#rules;
    const old = this.flows.find((entry) => entry.flow.sameKey(flow));
    if (command === "delete") {
      this.flows = this.flows.filter((entry) => entry !== old);
      return undefined;
    }
    const badGroup = groupOf(flow) !== 0 && !groups.has(groupOf(flow));
    if (command === "modify") {
      if (old === undefined) return undefined;
      if (badGroup) return "OFPBAC_BAD_OUT_GROUP";
      old.flow = old.flow.with({ instructions: flow.instructions });
      old.modified = this.now;
      if ((flow.flags & 4) !== 0) old.packets = 0n;
      return undefined;
    }
    if (badGroup) return "OFPBAC_BAD_OUT_GROUP";
    if (old !== undefined) {
      const packets = (flow.flags & 4) !== 0 ? 0n : old.packets;
      Object.assign(old, { flow, packets, created: this.now, modified: this.now });
      return undefined;
    }
    const inTable = this.flows.filter((entry) => entry.flow.table === flow.table);
    if ((flow.flags & 2) !== 0 && inTable.some((entry) => entry.flow.priority === flow.priority && overlap(entry.flow, flow))) {
      return "OFPFMFC_OVERLAP";
    }
    if (inTable.length >= maxFlows) {
      const candidates = inTable
        .filter((entry) => this.deadline(entry) < Number.POSITIVE_INFINITY)
        .sort((a, b) => a.flow.importance - b.flow.importance || this.deadline(a) - this.deadline(b) || byKey(a.flow, b.flow));
      const victim = candidates[0];
      if (!evicts || victim === undefined) return "OFPFMFC_TABLE_FULL";
      this.flows = this.flows.filter((entry) => entry !== victim);
    }
    this.flows.push({ flow, packets: 0n, created: this.now, modified: this.now, used: this.now });
    return undefined;
  }

  deadline({ flow, modified, used }: NaiveFlow): number {
    const hard = flow.hardTimeout === 0 ? Number.POSITIVE_INFINITY : modified + flow.hardTimeout * 1000;
    const idle = flow.idleTimeout === 0 ? Number.POSITIVE_INFINITY : used + flow.idleTimeout * 1000;
    return Math.min(hard, idle);
  }

  expire(): void {
    this.flows = this.flows.filter((entry) => this.now < this.deadline(entry));
  }
}

function byKey(a: Flow, b: Flow): number {
  return a.priority - b.priority || compareBytes(a.match.bytes, b.match.bytes);
}
