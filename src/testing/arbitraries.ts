import type { Arbitrary } from "fast-check";
import { Flow, type FlowKey } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import { matchFactsOf } from "../flow/match-facts.ts";
import type { FlowMod } from "../table/flow-mod.ts";
import { assembleInstructions, type InstructionOptions, instructionParts } from "./arbitrary-instructions.ts";
import { type FastCheck, matchArbitraries } from "./arbitrary-matches.ts";

export interface ArbitraryOptions extends InstructionOptions {
  /** Highest table; default 253, because Open vSwitch keeps table 254 for itself. */
  readonly maxTable?: number;
  /** With timeouts; default true. */
  readonly timeouts?: boolean;
  /** How many keys and owners the `few…` generators choose from; default 6. */
  readonly few?: number;
}

/** One call on a desired table. */
export type TableOperation =
  | { readonly kind: "add"; readonly owner: string; readonly flow: Flow }
  | { readonly kind: "set"; readonly owner: string; readonly flow: Flow }
  | { readonly kind: "setAll"; readonly owner: string; readonly flows: readonly Flow[] }
  | { readonly kind: "removeFlow"; readonly owner: string; readonly key: FlowKey }
  | { readonly kind: "removeOwner"; readonly owner: string }
  | { readonly kind: "replaceAll"; readonly entries: readonly { readonly owner: string; readonly flow: Flow }[] };

/** Generators for property tests. Every flow is one that Open vSwitch takes, apart from groups and meters you name. */
export interface Arbitraries {
  readonly match: Arbitrary<Match>;
  /** Instructions that fit every match, in table 0. */
  readonly instructions: Arbitrary<Instructions>;
  readonly flow: Arbitrary<Flow>;
  /** A lower-case UUID. */
  readonly owner: Arbitrary<string>;
  /** Flows on few keys, so that they collide. */
  readonly fewFlows: Arbitrary<Flow>;
  /** One of few owners. */
  readonly fewOwners: Arbitrary<string>;
  /** A flow-mod on few keys. */
  readonly flowMod: Arbitrary<FlowMod>;
  /** A call on a desired table, with few owners and few keys. */
  readonly operation: Arbitrary<TableOperation>;
}

/**
 * Makes the generators: `const { flow } = arbitraries(fc)`. fast-check (4 or later) is handed in, so that `ofsync/testing`
 * does not need it.
 */
export function arbitraries(fc: FastCheck, options: ArbitraryOptions = {}): Arbitraries {
  const { maxTable = 253, timeouts = true, few = 6 } = options;
  const { kinds, match } = matchArbitraries(fc);
  const parts = instructionParts(fc, options);
  const seconds = timeouts ? fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(0xffff)) : fc.constant(0);
  const attributes = fc.record({
    cookie: fc.oneof(fc.bigInt({ min: 0n, max: 0xffn }), fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_fffen })),
    idleTimeout: seconds,
    hardTimeout: seconds,
    importance: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(0xffff)),
    flags: fc.constantFrom(0, 0, 0, 1, 4, 8, 24),
  });
  const place = fc.record({ table: fc.nat(maxTable), priority: fc.nat(0xffff) });
  const flow = fc.tuple(kinds, parts, attributes, place).map(([{ kind, fields }, chosen, rest, { table, priority }]) => {
    const own = Match.of(fields);
    const init = assembleInstructions(chosen, kind, table);
    return new Flow({ table, priority, match: own, instructions: Instructions.of(init, matchFactsOf(own), table), ...rest });
  });
  const smallMatches = Array.from({ length: few }, (_, i) => Match.of({ in_port: i + 1 }));
  const fewFlows = fc
    .tuple(fc.constantFrom(...smallMatches), parts, attributes, fc.nat(Math.min(1, maxTable)))
    .map(([own, chosen, rest, table]) => {
      const init = assembleInstructions(chosen, "any", table);
      return new Flow({
        table,
        priority: 100,
        match: own,
        instructions: Instructions.of(init, matchFactsOf(own), table),
        ...rest,
      });
    });
  const owner = fc.uuid();
  const fewOwners = fc.nat(few - 1).map((n) => `${n.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`);
  const operation: Arbitrary<TableOperation> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("add"), owner: fewOwners, flow: fewFlows }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("set"), owner: fewOwners, flow: fewFlows }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("removeFlow"), owner: fewOwners, key: fewFlows }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("removeOwner"), owner: fewOwners }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("setAll"), owner: fewOwners, flows: fc.array(fewFlows, { maxLength: 5 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("replaceAll"),
        entries: fc.array(fc.record({ owner: fewOwners, flow: fewFlows }), { maxLength: 12 }),
      }),
    },
  );
  const flowMod: Arbitrary<FlowMod> = fc.record({ command: fc.constantFrom("add", "add", "modify", "delete"), flow: fewFlows });
  const instructions = parts.map((chosen) => Instructions.of(assembleInstructions(chosen, "any", 0), undefined, 0));
  return { match, instructions, flow, owner, fewFlows, fewOwners, flowMod, operation };
}
