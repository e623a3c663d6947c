import { createFlowModView, FLOW_MOD_COMMANDS, type FlowModBatch, type FlowModView } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { Flow, FlowKey } from "../flow/flow.ts";
import { InstalledFlowTable } from "../table/installed-table.ts";
import { type BatchOutcome, unknownCount } from "./batch-sending.ts";
import { ExpiryTracker } from "./expiry-tracker.ts";
import { keyText, keyTextOfView } from "./key-text.ts";
import type { SyncSettings } from "./options.ts";
import { Refusals } from "./refusals.ts";
import type { RefusalError } from "./report.ts";
import { sameValue } from "./same-value.ts";
import type { Telemetry } from "./telemetry.ts";

/** The records of refused flows are looked through for outdated ones at most this often, unless somebody asks for them. */
const PRUNE_INTERVAL_MS = 1000;

const NOTHING_WITHHELD: ReadonlyMap<number, RefusalError> = new Map();

/**
 * What is known of the switch on the present connection, apart from where the state machine stands.
 *
 * Invariants: `installed` holds only flows that are ours; `foreign` exists exactly when there is an ownership mask and holds
 * the flows outside it, so that a flow-mod for a key that a foreign flow sits on is never sent; without a connection every
 * key is unknown.
 */
export class SwitchKnowledge {
  readonly settings: SyncSettings;
  readonly installed: InstalledFlowTable;
  readonly foreign: InstalledFlowTable | undefined;
  readonly expiry: ExpiryTracker;
  readonly refusals: Refusals;
  readonly #telemetry: Telemetry;
  readonly #view: FlowModView = createFlowModView();
  /** Keys of wanted flows that the switch evicted and that have not been withheld for it yet. */
  readonly #evicted = new Set<string>();
  /** A read-back is going on. */
  isReading = false;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(settings: SyncSettings, telemetry: Telemetry) {
    this.settings = settings;
    this.#telemetry = telemetry;
    this.installed = settings.table.installed;
    this.foreign = settings.ownership === undefined ? undefined : new InstalledFlowTable();
    this.expiry = new ExpiryTracker(settings.clock);
    this.refusals = new Refusals(settings.clock, settings.random, settings.retry);
  }

  /** The connection is gone: whatever was known may have changed. */
  connectionLost(): void {
    this.installed.markAllUnknown();
    this.#evicted.clear();
    this.foreign?.clear();
  }

  /** A new connection: everything that was refused is tried again. */
  connected(): void {
    for (const flow of this.refusals.reset()) this.settings.table.retry(flow);
  }

  /** The flow is not there any more, whatever a read-back that is going on may still say of its key. */
  gone(key: FlowKey, from: InstalledFlowTable = this.installed): void {
    // A key that the table has no record of gets one, so that the read-back sees that this is newer.
    if (this.isReading) from.setUnknown(key);
    from.setAbsent(key);
  }

  /** Is this a flow that nobody wants and that we did not put there? */
  isStrange(key: FlowKey): boolean {
    return this.settings.table.winner(key) === undefined && this.installed.state(key).state === "absent";
  }

  /** Puts foreign flows into the desired table on behalf of the adopting owner, those that are still strange. */
  adopt(flows: readonly Flow[], source: "monitor" | "readBack"): void {
    const { table, adoptingOwner } = this.settings;
    if (flows.length === 0 || adoptingOwner === undefined) return;
    for (const flow of flows) {
      if (table.winner(flow) !== undefined) continue;
      table.addFlow(adoptingOwner, flow);
      this.#telemetry.add("adopted");
      this.#telemetry.emit({ type: "drift", kind: "unwanted", action: "adopted", source, flow });
    }
  }

  /**
   * What must not be sent: a flow whose cookie is not ours, a flow on a key that a foreign flow sits on, a flow that the switch
   * has just evicted for want of room (it would evict another one).
   */
  screen(batch: FlowModBatch): ReadonlyMap<number, RefusalError> {
    const { ownership } = this.settings;
    if (ownership === undefined && this.#evicted.size === 0) return NOTHING_WITHHELD;
    const withheld = new Map<number, RefusalError>();
    const view = this.#view;
    if (this.#evicted.size > 0) {
      for (let index = 0; index < batch.length; index++) {
        batch.read(index, view);
        if (this.#evicted.delete(keyTextOfView(view)) && FLOW_MOD_COMMANDS[view.command] !== "delete") {
          withheld.set(index, new OfsyncError("SYNC_EVICTED", "the switch evicted the flow because its table is full"));
        }
      }
    }
    if (ownership === undefined) return withheld;
    const foreign = this.foreign;
    const occupied = foreign !== undefined && foreign.size > 0;
    for (let index = 0; index < batch.length; index++) {
      batch.read(index, view);
      if (FLOW_MOD_COMMANDS[view.command] === "add" && !ownership.owns(view)) {
        withheld.set(
          index,
          new OfsyncError("SYNC_OUTSIDE_OWNERSHIP", "the flow's cookie is outside the ownership mask, so it is not sent", {
            place: { field: "cookie" },
            hint: `give it a cookie that is 0x${ownership.cookie.toString(16)} under the mask 0x${ownership.mask.toString(16)}`,
          }),
        );
      } else if (occupied && foreign.state(batch.at(index).flow).state === "present") {
        withheld.set(
          index,
          new OfsyncError("SYNC_OCCUPIED", "a foreign flow sits on this key, and foreign flows are never touched", {
            hint: "it goes in when the foreign flow is gone",
          }),
        );
      }
    }
    return withheld;
  }

  /** The switch evicted this wanted flow: it waits its turn like a refused one. */
  evicted(key: FlowKey): void {
    this.#evicted.add(keyText(key));
  }

  /** The foreign flow on this key is gone: what waits for the place may go in. */
  freed(key: FlowKey): void {
    if (this.refusals.cleared(key)) this.settings.table.retry(key);
  }

  /** After a read-back: frees every withheld flow whose place is free now. True if there was one. */
  freeUnoccupied(): boolean {
    let any = false;
    for (const flow of this.refusals.withheld("SYNC_OCCUPIED")) {
      if (this.foreign?.state(flow).state === "present") continue;
      this.freed(flow);
      any = true;
    }
    return any;
  }

  /** Takes note of the fates of a batch that the table has been told about. Returns how many deletes went in, by table. */
  answered(batch: FlowModBatch, outcome: BatchOutcome, deleted: Map<number, number>): void {
    const { refusals, expiry } = this;
    const unknown = unknownCount(batch, outcome);
    let withheld = 0;
    for (const [index, error] of outcome.refused) {
      const refused = refusals.refused(batch.at(index), error);
      if (error instanceof OfsyncError) withheld++;
      this.#telemetry.emit({ type: "refused", refused });
      this.settings.logger.info(`${this.settings.name}: flow refused: ${error.name}`, refused);
    }
    this.#telemetry.add("withheld", withheld);
    this.#telemetry.add("refused", outcome.refused.size - withheld);
    this.#telemetry.add("unknown", unknown);
    this.#telemetry.add("applied", batch.length - outcome.refused.size - unknown);
    if (outcome.fate === "unknown") return;
    const view = this.#view;
    for (let index = 0; index < batch.length; index++) {
      if (outcome.refused.has(index) || outcome.unknown.has(index)) continue;
      batch.read(index, view);
      const isDelete = FLOW_MOD_COMMANDS[view.command] === "delete";
      if (isDelete) deleted.set(view.table, (deleted.get(view.table) ?? 0) + 1);
      const timed = view.idleTimeout !== 0 || view.hardTimeout !== 0;
      if (refusals.size > 0 || expiry.size > 0 || timed) {
        const { flow } = batch.at(index);
        if (isDelete) expiry.forget(flow);
        else expiry.written(flow);
        if (refusals.cleared(flow)) this.#telemetry.emit({ type: "accepted", flow });
      }
    }
  }

  /**
   * Drops the records of refused flows that are outdated: something else is wanted by now, or the switch holds the flow after all.
   * Unless `now` is set, does so at most once a second, because it looks at every record.
   */
  pruneRefusals(now: boolean): void {
    const { table, clock } = this.settings;
    if (this.refusals.size === 0 || (!now && clock.now() - this.#prunedAt < PRUNE_INTERVAL_MS)) return;
    this.#prunedAt = clock.now();
    const outdated = this.refusals.prune(({ command, flow }) => {
      const wanted = table.winner(flow);
      const installed = this.installed.state(flow);
      if (command === "delete") return wanted === undefined && installed.state !== "absent";
      return wanted?.equals(flow) === true && !(installed.state === "present" && sameValue(installed.flow, flow));
    });
    // Should the flow get lost again, it is to be sent again.
    for (const flow of outdated) table.retry(flow);
  }

  /** The flow of an event, with what a monitor does not tell taken from what is known. */
  completed(flow: Flow): Flow {
    const known = this.installed.state(flow);
    const like = known.state === "present" ? known.flow : this.settings.table.winner(flow);
    return like === undefined ? flow : flow.with({ flags: like.flags, importance: like.importance });
  }

  /**
   * Takes an expired flow out of the desired table on behalf of every owner who wanted exactly it, or leaves it to be installed
   * again, as the policy says.
   */
  expired(flow: Flow): "forgotten" | "reinstalled" {
    this.expiry.forget(flow);
    this.#telemetry.add("expired");
    if (this.settings.expired === "reinstall") return "reinstalled";
    const { table } = this.settings;
    for (const { owner, flow: wanted } of [...table.contenders(flow)]) {
      if (wanted.idleTimeout !== 0 || wanted.hardTimeout !== 0) table.removeFlow(owner, wanted);
    }
    return "forgotten";
  }
}
