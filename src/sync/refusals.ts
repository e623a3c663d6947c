import type { Clock, Random } from "../clock.ts";
import type { FlowMod } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { Flow, FlowKey } from "../flow/flow.ts";
import { type BackOff, backOffDelay } from "./back-off.ts";
import { keyText } from "./key-text.ts";
import type { RefusalError, RefusedFlow } from "./report.ts";

interface Refusal {
  readonly command: FlowMod["command"];
  readonly flow: Flow;
  readonly error: RefusalError;
  readonly attempts: number;
  /** Clock time of the next try; `Infinity`: only an event frees it. */
  readonly retryAt: number;
}

/** Errors that mean: no room, ask again when something was removed. */
const FULL = new Set(["OFPFMFC_TABLE_FULL", "OFPFMFC_ALL_TABLES_FULL"]);

const NO_FLOWS: readonly Flow[] = [];

/** Retries are gathered into steps of this many milliseconds, so that many refused flows make few rounds. */
const RETRY_STEP_MS = 50;

/** Does this error say that the switch has no room? */
export function isTableFull(error: RefusalError): boolean {
  return FULL.has(error.name);
}

/**
 * The flow-mods that the switch refused or that were withheld, by key. Each waits with its own back-off. A record whose
 * content is no longer what the desired table wants is out of date; {@link prune} drops those.
 */
export class Refusals {
  readonly #byKey = new Map<string, Refusal>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backOff: BackOff;
  /** Never later than the earliest `retryAt`; may be too early after removals, which costs one look. */
  #earliest = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, random: Random, backOff: BackOff) {
    this.#clock = clock;
    this.#random = random;
    this.#backOff = backOff;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Clock time at which {@link takeDue} may have something. */
  get nextRetryAt(): number {
    return this.#earliest;
  }

  has(key: FlowKey): boolean {
    return this.#byKey.has(keyText(key));
  }

  /** Records a refusal and says how it now stands. The same content again: the wait grows; other content: it starts anew. */
  refused(mod: FlowMod, error: RefusalError): RefusedFlow {
    const text = keyText(mod.flow);
    const before = this.#byKey.get(text);
    const again = before !== undefined && before.command === mod.command && before.flow.equals(mod.flow);
    const attempts = again ? before.attempts + 1 : 1;
    const now = this.#clock.now();
    const retryAt =
      error instanceof OfsyncError && error.code !== "SYNC_EVICTED"
        ? Number.POSITIVE_INFINITY
        : Math.ceil((now + backOffDelay(this.#backOff, attempts, this.#random)) / RETRY_STEP_MS) * RETRY_STEP_MS;
    const refusal: Refusal = { command: mod.command, flow: mod.flow, error, attempts, retryAt };
    this.#byKey.set(text, refusal);
    if (retryAt < this.#earliest) this.#earliest = retryAt;
    return this.#describe(refusal, now);
  }

  /** The key's flow-mod went in, or nothing needs to be sent for it: forgets it. True if there was a record. */
  cleared(key: FlowKey): boolean {
    return this.#byKey.size > 0 && this.#byKey.delete(keyText(key));
  }

  /** The flows whose wait is over. Their records stay, so that a further refusal counts as one more attempt. */
  takeDue(): readonly Flow[] {
    if (this.#earliest === Number.POSITIVE_INFINITY) return NO_FLOWS;
    const now = this.#clock.now();
    if (now < this.#earliest) return NO_FLOWS;
    const due: Flow[] = [];
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const [text, refusal] of this.#byKey) {
      if (refusal.retryAt <= now) {
        due.push(refusal.flow);
        this.#byKey.set(text, { ...refusal, retryAt: Number.POSITIVE_INFINITY });
      } else if (refusal.retryAt < this.#earliest) this.#earliest = refusal.retryAt;
    }
    return due;
  }

  /** Up to `room.get(table)` flows per table that found their table full: something was deleted there. */
  takeForRoom(room: ReadonlyMap<number, number>): Flow[] {
    const left = new Map(room);
    const taken: Flow[] = [];
    for (const refusal of this.#byKey.values()) {
      const free = left.get(refusal.flow.table) ?? 0;
      if (free <= 0 || refusal.command === "delete" || !isTableFull(refusal.error)) continue;
      left.set(refusal.flow.table, free - 1);
      taken.push(refusal.flow);
    }
    return taken;
  }

  /** Drops the records that `isCurrent` denies and returns their flows. */
  prune(isCurrent: (refused: { command: FlowMod["command"]; flow: Flow }) => boolean): Flow[] {
    const dropped: Flow[] = [];
    for (const [text, refusal] of this.#byKey) {
      if (isCurrent(refusal)) continue;
      this.#byKey.delete(text);
      dropped.push(refusal.flow);
    }
    return dropped;
  }

  /** The flows that were withheld with this code of ours. */
  withheld(code: string): Flow[] {
    const flows: Flow[] = [];
    for (const { error, flow } of this.#byKey.values()) if (error instanceof OfsyncError && error.code === code) flows.push(flow);
    return flows;
  }

  /** A new connection: what the last one refused may be taken now, so every wait starts anew. Returns all flows. */
  reset(): Flow[] {
    const flows = [...this.#byKey.values()].map((refusal) => refusal.flow);
    this.#byKey.clear();
    this.#earliest = Number.POSITIVE_INFINITY;
    return flows;
  }

  list(): RefusedFlow[] {
    const now = this.#clock.now();
    return [...this.#byKey.values()].map((refusal) => this.#describe(refusal, now));
  }

  #describe(refusal: Refusal, now: number): RefusedFlow {
    const { command, flow, error, attempts, retryAt } = refusal;
    return { command, flow, error, attempts, retryInMs: Math.max(0, retryAt - now) };
  }
}
