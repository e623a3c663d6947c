import type { Flow, FlowKey } from "../flow/flow.ts";
import { formatInstructions } from "../text/actions/format-instructions.ts";
import { formatMatch } from "../text/format-match.ts";
import type { InstalledState } from "./installed-table.ts";
import { NOTHING } from "./key-store.ts";
import { IN_FLIGHT, KEY_FLAGS, MERGED, REFUSED } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import type { Contender } from "./policy.ts";

/** One contender as `explain` sees it. */
export interface ExplainedContender extends Contender {
  /** `merged`: one of several whose merge is the winner. */
  readonly role: "winner" | "merged" | "shadowed";
  /** Why, in words. */
  readonly reason: string;
}

/** The answer to "why is this in the switch?". */
export interface Explanation {
  readonly key: FlowKey;
  /** Name of the policy. */
  readonly rule: string;
  /** What should be in the switch; `undefined` = nothing. */
  readonly winner: Flow | undefined;
  /** In order, the winner first. */
  readonly contenders: readonly ExplainedContender[];
  readonly installed: InstalledState;
  /** `inStep`: the switch holds what it should, as far as is known. */
  readonly progress: "inStep" | "pending" | "inFlight" | "refused";
  /** All of it, in lines. */
  readonly text: string;
}

export function explainKey(
  store: PackedStore,
  ref: number,
  key: FlowKey,
  contenders: readonly Contender[],
  winner: Flow | undefined,
  installed: InstalledState,
): Explanation {
  const flags = ref === 0 ? 0 : (store.arena.words[ref + KEY_FLAGS] as number);
  const merged = (flags & MERGED) !== 0;
  const explained = contenders.map((contender, index): ExplainedContender => {
    if (merged) return { ...contender, role: "merged", reason: "its actions are merged with those of the others" };
    if (index === 0) {
      const reason = contenders.length === 1 ? "the only one that wants this key" : whyBefore(store, contenders, 0);
      return { ...contender, role: "winner", reason };
    }
    return { ...contender, role: "shadowed", reason: `behind ${(contenders[index - 1] as Contender).owner}` };
  });
  const progress = progressOf(store, ref, flags);
  const lines = [
    keyText(key),
    contenders.length === 0 ? "nobody wants this key" : `rule: ${store.policy.name}`,
    ...explained.map((one) => `${one.role} ${one.owner}: ${one.reason}${describeValue(one.flow)}`),
    `switch: ${installed.state}${progress === "inStep" ? "" : `, change ${progress === "inFlight" ? "in flight" : progress}`}`,
  ];
  return { key, rule: store.policy.name, winner, contenders: explained, installed, progress, text: lines.join("\n") };
}

function whyBefore(store: PackedStore, contenders: readonly Contender[], index: number): string {
  const policy = store.policy;
  const a = contenders[index] as Contender;
  const b = contenders[index + 1] as Contender;
  if (policy.classes === true) {
    const [classA, classB] = [classNameOf(store, a), classNameOf(store, b)];
    if (classA !== classB) return `${classA} wins against ${classB}`;
  } else if (policy.compare !== undefined && policy.compare(a, b) !== 0) return `put before ${b.owner} by the policy`;
  return `lowest UUID, before ${b.owner}`;
}

function classNameOf(store: PackedStore, contender: Contender): "allow" | "drop" | "conjunction" {
  const names = ["allow", "drop", "conjunction"] as const;
  return names[store.classOfBytes(contender.flow.instructions.bytes) - 1] as "allow";
}

function progressOf(store: PackedStore, ref: number, flags: number): Explanation["progress"] {
  if ((flags & IN_FLIGHT) !== 0) return "inFlight";
  if ((flags & REFUSED) !== 0) return "refused";
  return ref !== 0 && store.operationFor(ref) !== NOTHING ? "pending" : "inStep";
}

/** The key in the syntax of ovs-ofctl. */
function keyText(key: FlowKey): string {
  const match = formatMatch(key.match, { showHidden: true });
  return `table=${key.table},priority=${key.priority}${match === "" ? "" : `,${match}`}`;
}

function describeValue(flow: Flow): string {
  const cookie = flow.cookie === 0n ? "" : ` cookie=0x${flow.cookie.toString(16)}`;
  return ` (actions=${formatInstructions(flow.instructions, "OpenFlow15")}${cookie})`;
}
