import { OfsyncError } from "../errors.ts";
import type { SwitchError } from "../transport/transport.ts";

/** Who waits for the answer to one request. */
export interface Requester {
  /** What it is, for messages: "a barrier". */
  readonly name: string;
  /** An answer with the request's xid. Returns whether it was the last one. */
  onReply(message: Uint8Array): boolean;
  /** The switch refused the request. */
  onError(error: SwitchError, message: Uint8Array): void;
  /** The connection is gone. */
  onDown(error: OfsyncError): void;
}

interface Entry {
  readonly requester: Requester;
  /** Check of life at which the request was made or last answered. */
  tick: number;
}

/** Beyond this, numbers start over: a range must not wrap in the middle. */
const LAST_XID = 0xffff_0000;

/** Transaction ids of one connection and the requests that wait for an answer. */
export class RequestTable {
  /** In the order of the last sign of life: the first is the one that waits longest. */
  readonly #entries = new Map<number, Entry>();
  #next = 1;
  /** Called whenever somebody begins to wait for an answer. */
  onWait: (() => void) | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** Takes `count` consecutive transaction ids and returns the first. */
  takeXids(count: number): number {
    if (this.#next + count > LAST_XID) this.#next = 1;
    const first = this.#next;
    this.#next += count;
    return first;
  }

  /** Expects the answer to `xid`. */
  add(xid: number, requester: Requester, tick: number): void {
    this.#entries.set(xid, { requester, tick });
    this.onWait?.();
  }

  /** Hands an answer to whom it belongs; false when nobody asked. A requester that throws still waits, for the end of the connection. */
  reply(xid: number, message: Uint8Array, tick: number): boolean {
    const entry = this.#entries.get(xid);
    if (entry === undefined) return false;
    const last = entry.requester.onReply(message);
    this.#entries.delete(xid);
    if (!last) {
      entry.tick = tick;
      this.#entries.set(xid, entry);
    }
    return true;
  }

  error(xid: number, error: SwitchError, message: Uint8Array): boolean {
    const entry = this.#entries.get(xid);
    if (entry === undefined) return false;
    entry.requester.onError(error, message);
    this.#entries.delete(xid);
    return true;
  }

  /** Whoever waits has waited from now on only. */
  heardAll(tick: number): void {
    for (const entry of this.#entries.values()) entry.tick = tick;
  }

  /** Throws `REQUEST_TIMEOUT` when a request has waited for more than `limit` checks. */
  checkAge(tick: number, limit: number, intervalMs: number): void {
    for (const { requester, tick: since } of this.#entries.values()) {
      if (tick - since <= limit) return;
      throw new OfsyncError("REQUEST_TIMEOUT", `the switch did not answer ${requester.name} within ${limit * intervalMs} ms`);
    }
  }

  /** Tells everybody that waits, and forgets them. */
  fail(error: OfsyncError): void {
    const waiting = [...this.#entries.values()];
    this.#entries.clear();
    for (const { requester } of waiting) requester.onDown(error);
  }
}
