import { compareBytes, toHex } from "../bytes.ts";
import type { FlowModCommand } from "../diff/flow-mod.ts";
import type { Flow, FlowKey } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { instructionsMeaning } from "../flow/meaning.ts";
import type { OwnerId } from "../table/owner-id.ts";
import type { Contender, WinnerPolicy } from "../table/policy.ts";

/** What the model knows of one key of the switch; no entry = absent. */
export type NaiveInstalled = { readonly state: "present"; readonly flow: Flow } | { readonly state: "unknown" };

/** A key as text; two keys are the same slot if and only if the texts are equal. */
export function naiveKey(key: FlowKey): string {
  return `${key.table},${key.priority},${toHex(key.match.bytes)}`;
}

/**
 * The semantics of `DesiredFlowTable` and `InstalledFlowTable` in the plainest form there is: maps of objects, and everything
 * computed anew when it is asked for. The oracle of the property tests; slow, and meant to be read.
 */
export class NaiveTable {
  readonly policy: WinnerPolicy;
  /** Key text to owner to flow. */
  wanted: Map<string, Map<OwnerId, Flow>> = new Map();
  /** Key text to what is known. */
  installed: Map<string, NaiveInstalled> = new Map();

  constructor(policy: WinnerPolicy) {
    this.policy = policy;
  }

  /** "added", "unchanged" or "duplicate" (the first stays). */
  addFlow(owner: OwnerId, flow: Flow): "added" | "unchanged" | "duplicate" {
    const known = this.wanted.get(naiveKey(flow))?.get(owner);
    if (known !== undefined) return known.equals(flow) ? "unchanged" : "duplicate";
    this.setFlow(owner, flow);
    return "added";
  }

  setFlow(owner: OwnerId, flow: Flow): void {
    const key = naiveKey(flow);
    const contenders = this.wanted.get(key) ?? new Map<OwnerId, Flow>();
    this.wanted.set(key, contenders.set(owner, flow));
  }

  setFlows(owner: OwnerId, flows: readonly Flow[]): void {
    this.removeFlows(owner);
    for (const flow of flows) this.addFlow(owner, flow);
  }

  removeFlow(owner: OwnerId, key: FlowKey): boolean {
    const text = naiveKey(key);
    const contenders = this.wanted.get(text);
    const removed = contenders?.delete(owner) ?? false;
    if (contenders?.size === 0) this.wanted.delete(text);
    return removed;
  }

  removeFlows(owner: OwnerId): number {
    let removed = 0;
    for (const flow of this.flowsOf(owner)) if (this.removeFlow(owner, flow)) removed++;
    return removed;
  }

  replaceAll(entries: Iterable<readonly [OwnerId, Flow]>): void {
    this.wanted = new Map();
    for (const [owner, flow] of entries) this.addFlow(owner, flow);
  }

  get size(): number {
    let size = 0;
    for (const contenders of this.wanted.values()) size += contenders.size;
    return size;
  }

  owners(): OwnerId[] {
    return [...new Set([...this.wanted.values()].flatMap((contenders) => [...contenders.keys()]))].sort();
  }

  /** In the order of the table: table, priority downwards, match bytes. */
  flowsOf(owner: OwnerId): Flow[] {
    const flows = [...this.wanted.values()].map((contenders) => contenders.get(owner)).filter((flow) => flow !== undefined);
    return flows.sort(naiveOrder);
  }

  /** In order, the winner first. */
  contenders(key: string): Contender[] {
    const contenders = [...(this.wanted.get(key) ?? [])].map(([owner, flow]) => ({ owner, flow }));
    return contenders.sort((a, b) => this.#compare(a, b) || (a.owner < b.owner ? -1 : 1));
  }

  /** What should be installed for a key. */
  winner(key: string): Flow | undefined {
    const contenders = this.contenders(key);
    const first = contenders[0];
    if (first === undefined || contenders.length === 1) return first?.flow;
    if (this.policy.classes === true && classOf(first.flow) === 2) return mergeConjunctions(contenders);
    const merged = this.policy.merge?.(contenders);
    return merged === undefined ? first.flow : first.flow.with(valuePartsOf(merged));
  }

  winners(): Map<string, Flow> {
    return new Map([...this.wanted.keys()].map((key) => [key, this.winner(key) as Flow]));
  }

  /** What has to be sent so that the switch holds the winners; keys that need nothing are not in it. */
  operations(): Map<string, { readonly command: FlowModCommand; readonly flow: Flow | undefined }> {
    const operations = new Map<string, { command: FlowModCommand; flow: Flow | undefined }>();
    for (const [key, flow] of this.winners()) {
      const known = this.installed.get(key);
      if (known === undefined || known.state === "unknown") operations.set(key, { command: "add", flow });
      else if (!sameAttributes(known.flow, flow)) operations.set(key, { command: "add", flow });
      else if (!sameMeaning(known.flow, flow)) operations.set(key, { command: "modify", flow });
    }
    for (const [key, known] of this.installed) {
      if (this.wanted.has(key)) continue;
      operations.set(key, { command: "delete", flow: known.state === "present" ? known.flow : undefined });
    }
    return operations;
  }

  /** A copy that shares the flows. */
  clone(): NaiveTable {
    const copy = new NaiveTable(this.policy);
    copy.wanted = new Map([...this.wanted].map(([key, contenders]) => [key, new Map(contenders)]));
    copy.installed = new Map(this.installed);
    return copy;
  }

  #compare(a: Contender, b: Contender): number {
    if (this.policy.classes === true) return classOf(a.flow) - classOf(b.flow);
    return this.policy.compare?.(a, b) ?? 0;
  }
}

/** Table ascending, priority descending, match bytes ascending. */
export function naiveOrder(a: Flow, b: Flow): number {
  return a.table - b.table || b.priority - a.priority || compareBytes(a.match.bytes, b.match.bytes);
}

/** Flags that act only when a flow is added are no difference. */
function sameAttributes(a: Flow, b: Flow): boolean {
  return a.with({ flags: a.flags & ~6 }).sameAttributes(b.with({ flags: b.flags & ~6 }));
}

function sameMeaning(a: Flow, b: Flow): boolean {
  if (a.instructions.equals(b.instructions)) return true;
  return toHex(instructionsMeaning(a.instructions.bytes)) === toHex(instructionsMeaning(b.instructions.bytes));
}

function valuePartsOf(
  flow: Flow,
): Pick<Flow, "instructions" | "cookie" | "idleTimeout" | "hardTimeout" | "importance" | "flags"> {
  const { instructions, cookie, idleTimeout, hardTimeout, importance, flags } = flow;
  return { instructions, cookie, idleTimeout, hardTimeout, importance, flags };
}

const CONJUNCTION = /^ffff0010000023200022/;

/** Actions of all apply-actions instructions, as hexadecimal text. */
function appliedActions(flow: Flow): string[] {
  const { bytes } = flow.instructions;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const actions: string[] = [];
  for (let at = 0; at < bytes.length; at += view.getUint16(at + 2)) {
    if (view.getUint16(at) !== 4) continue;
    const end = at + view.getUint16(at + 2);
    for (let action = at + 8; action < end; action += view.getUint16(action + 2)) {
      actions.push(toHex(bytes.subarray(action, action + view.getUint16(action + 2))));
    }
  }
  return actions;
}

/** 0 does something, 1 drops, 2 is a conjunction. */
function classOf(flow: Flow): number {
  if (flow.instructions.bytes.length === 0) return 1;
  return appliedActions(flow).some((action) => CONJUNCTION.test(action)) ? 2 : 0;
}

function mergeConjunctions(contenders: readonly Contender[]): Flow {
  const actions = [...new Set(contenders.flatMap(({ flow }) => appliedActions(flow)))];
  // Hexadecimal digits sort like the bytes they stand for: id first, then clause and number of clauses.
  const rank = (action: string): string =>
    CONJUNCTION.test(action) ? `0${action.slice(24)}${action.slice(20, 24)}` : `1${action}`;
  const sorted = actions.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).join("");
  const length = 8 + sorted.length / 2;
  const header = `0004${length.toString(16).padStart(4, "0")}00000000`;
  const bytes = Uint8Array.from((header + sorted).match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  return (contenders[0] as Contender).flow.with({ instructions: Instructions.fromCanonical(bytes) });
}
