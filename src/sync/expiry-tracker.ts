import type { Clock } from "../clock.ts";
import type { FlowKey } from "../flow/flow.ts";
import { keyText } from "./key-text.ts";

interface Life {
  readonly key: FlowKey;
  /** From this clock time on, the flow may have run idle; `Infinity` without an idle timeout. */
  readonly mayBeIdleFrom: number;
  /** From this clock time on, the flow cannot be in the switch any more; `Infinity` without a hard timeout. */
  readonly overAt: number;
}

interface Timeouts {
  readonly idleTimeout: number;
  readonly hardTimeout: number;
}

/**
 * When the flows that have timeouts may end. It tells a flow that ran out, which is no drift, from one that somebody deleted,
 * when the switch did not say. Holds an entry for flows with a timeout only.
 */
export class ExpiryTracker {
  readonly #lives = new Map<string, Life>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#lives.size;
  }

  /**
   * The switch confirmed an add or a modify of this flow: its hard timeout starts anew. The time since the last packet does not,
   * when the flow was there before.
   */
  written(flow: FlowKey & Timeouts): void {
    if (flow.idleTimeout === 0 && flow.hardTimeout === 0) {
      this.forget(flow);
      return;
    }
    const known = this.#lives.get(keyText(flow))?.mayBeIdleFrom ?? Number.POSITIVE_INFINITY;
    this.#note(flow, Math.min(known, this.#clock.now() + flow.idleTimeout * 1000), Number.POSITIVE_INFINITY);
  }

  /** The switch reported this flow. When it was last used or modified is not known. */
  seen(flow: FlowKey & Timeouts): void {
    const known = this.#lives.get(keyText(flow));
    const now = this.#clock.now();
    this.#note(flow, Math.min(known?.mayBeIdleFrom ?? now, now), known?.overAt ?? Number.POSITIVE_INFINITY);
  }

  #note(flow: FlowKey & Timeouts, mayBeIdleFrom: number, overAt: number): void {
    this.#lives.set(keyText(flow), {
      key: flow,
      mayBeIdleFrom: flow.idleTimeout === 0 ? Number.POSITIVE_INFINITY : mayBeIdleFrom,
      overAt: flow.hardTimeout === 0 ? Number.POSITIVE_INFINITY : Math.min(overAt, this.#clock.now() + flow.hardTimeout * 1000),
    });
  }

  forget(key: FlowKey): void {
    if (this.#lives.size > 0) this.#lives.delete(keyText(key));
  }

  /**
   * May this flow, found missing, have run out? `sameConnection`: the switch has not been away meanwhile; otherwise it may have
   * restarted and lost everything, and only a hard timeout that is over counts.
   */
  mayHaveExpired(key: FlowKey, sameConnection: boolean): boolean {
    const life = this.#lives.get(keyText(key));
    if (life === undefined) return false;
    const now = this.#clock.now();
    return now >= life.overAt || (sameConnection && now >= life.mayBeIdleFrom);
  }

  /** The keys with a timeout. */
  *keys(): Iterable<FlowKey> {
    for (const life of this.#lives.values()) yield life.key;
  }
}
