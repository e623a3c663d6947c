import type { FlowModBatch } from "../diff/flow-mod.ts";
import { isOfsyncError } from "../errors.ts";
import { type BatchOutcome, sendBatch, UNKNOWN_OUTCOME } from "./batch-sending.ts";
import type { RefusalError } from "./report.ts";
import { SelectedFlowMods } from "./selected-flow-mods.ts";
import type { SwitchKnowledge } from "./switch-knowledge.ts";
import type { Telemetry } from "./telemetry.ts";

/** So many tries, each without the flows that the ones before were refused for, before the reinstall gives up. */
const MAX_TRIES = 16;

/** How a reinstall ended. `failed`: the switch is as it was before, as far as is known. */
export type ReinstallResult =
  | { readonly end: "done"; readonly revision: number }
  | { readonly end: "unknown" }
  | { readonly end: "failed"; readonly reason: string };

export interface ReinstallHooks {
  isCurrent(): boolean;
  answered(batch: FlowModBatch, outcome: BatchOutcome): void;
}

/**
 * Clears what is ours and writes every wanted flow, in one atomic unit, so that no packet meets a half-filled switch. A flow that
 * the switch refuses fails the whole unit; it is left out and the rest is tried again.
 *
 * Afterwards `installed` says what the switch confirmed; after `unknown` and `failed` every key is unknown and the caller has to
 * read back.
 */
export async function reinstall(
  knowledge: SwitchKnowledge,
  telemetry: Telemetry,
  hooks: ReinstallHooks,
): Promise<ReinstallResult> {
  const result = await tryToReinstall(knowledge, telemetry, hooks);
  if (result.end !== "done") knowledge.installed.markAllUnknown();
  return result;
}

async function tryToReinstall(knowledge: SwitchKnowledge, telemetry: Telemetry, hooks: ReinstallHooks): Promise<ReinstallResult> {
  const { table, transport, clock, clearFilter, guard } = knowledge.settings;
  const to = { transport, clock, telemetry, guard, isCurrent: hooks.isCurrent };
  for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
    knowledge.installed.clear();
    const round = table.startRound();
    const batch = round?.next({ maxFlowMods: Number.MAX_SAFE_INTEGER });
    if (round === undefined || batch === undefined) {
      round?.cancel();
      return { end: "failed", reason: "no flow is wanted" };
    }
    const withheld = knowledge.screen(batch);
    const indexes = Array.from({ length: batch.length }, (_, index) => index).filter((index) => !withheld.has(index));
    let outcome = UNKNOWN_OUTCOME;
    let error: unknown;
    try {
      outcome = await sendBatch(to, new SelectedFlowMods(batch, indexes), { atomic: true, clearFirst: clearFilter });
    } catch (thrown) {
      error = thrown;
    }
    const refused = new Map(withheld);
    for (const [index, why] of outcome.refused) {
      if (!why.name.startsWith("BATCH_")) refused.set(indexes[index] as number, why);
    }
    const failed = outcome.refused.size > 0;
    const done = error === undefined && !failed && outcome.fate === "applied" && outcome.unknown.size === 0;
    const settled: BatchOutcome = { fate: done ? "applied" : "unknown", refused, unknown: new Set() };
    round.settle(batch, settled);
    round.cancel();
    if (done) {
      hooks.answered(batch, settled);
      return { end: "done", revision: round.revision };
    }
    noteRefused(batch, refused, hooks);
    if (isOfsyncError(error)) return { end: "failed", reason: error.message };
    if (error !== undefined) throw error;
    if (!failed) return { end: "unknown" };
    if (refused.size === withheld.size) return { end: "failed", reason: "the switch refused the reinstall as a whole" };
  }
  return { end: "failed", reason: `flows were refused in each of ${MAX_TRIES} tries` };
}

function noteRefused(batch: FlowModBatch, refused: ReadonlyMap<number, RefusalError>, hooks: ReinstallHooks): void {
  if (refused.size === 0) return;
  const part = new SelectedFlowMods(batch, [...refused.keys()]);
  hooks.answered(part, { fate: "applied", refused: new Map([...refused.values()].entries()), unknown: new Set() });
}
