import { type CheckDefinition, ConformanceBench, type ConformanceOptions } from "./conformance-bench.ts";
import { connectionChecks } from "./conformance-connection.ts";
import { eventChecks } from "./conformance-events.ts";
import { readingChecks } from "./conformance-reading.ts";
import { sendingChecks } from "./conformance-sending.ts";

export type ConformanceOutcome = { readonly status: "passed" } | { readonly status: "skipped"; readonly reason: string };

/** One rule of the contract, to be run by whatever test runner is at hand. */
export interface ConformanceCheck {
  readonly name: string;
  /** Rejects with an `Error` that says what was expected when the rule is broken. */
  run(): Promise<ConformanceOutcome>;
}

/**
 * The rules of `Transport` as checks. With Vitest or `node:test`:
 *
 * ```ts
 * for (const check of transportConformance({ create: () => ({ transport: new MyTransport() }) })) {
 *   test(check.name, async () => void (await check.run()));
 * }
 * ```
 */
export function transportConformance(options: ConformanceOptions): ConformanceCheck[] {
  const definitions = [...connectionChecks, ...sendingChecks, ...readingChecks, ...eventChecks];
  return definitions.map((definition) => ({ name: definition.name, run: () => runCheck(definition, options) }));
}

async function runCheck(
  { needs = [], startsDown = false, body }: CheckDefinition,
  options: ConformanceOptions,
): Promise<ConformanceOutcome> {
  const target = await options.create();
  const bench = new ConformanceBench(target, options);
  try {
    if (!startsDown) await bench.open();
    for (const need of needs) {
      const reason = bench.lack(need);
      if (reason !== undefined) return { status: "skipped", reason };
    }
    await body(bench);
    return { status: "passed" };
  } finally {
    await target.transport.close();
    await target.dispose?.();
  }
}
