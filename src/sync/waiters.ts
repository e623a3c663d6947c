import { OfsyncError } from "../errors.ts";
import type { SettledReport } from "./report.ts";

interface Waiter {
  readonly revision: number;
  resolve(report: SettledReport): void;
  reject(reason: unknown): void;
  stopListening(): void;
}

const NOTHING = (): void => {};

/** The callers of `settled`. */
export class Waiters {
  readonly #waiters = new Set<Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  add(revision: number, signal: AbortSignal | undefined): Promise<SettledReport> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        this.#waiters.add({ revision, resolve, reject, stopListening: NOTHING });
        return;
      }
      const aborted = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        revision,
        resolve,
        reject,
        stopListening: () => signal.removeEventListener("abort", aborted),
      };
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Resolves those that wait for `revision` or less. The report is made only if somebody waits. */
  confirm(revision: number, report: () => SettledReport): void {
    let made: SettledReport | undefined;
    for (const waiter of this.#waiters) {
      if (waiter.revision > revision) continue;
      made ??= report();
      this.#waiters.delete(waiter);
      waiter.stopListening();
      waiter.resolve(made);
    }
  }

  /** Rejects everybody: the synchroniser is stopped. */
  stop(): void {
    for (const waiter of this.#waiters) {
      waiter.stopListening();
      waiter.reject(stoppedError());
    }
    this.#waiters.clear();
  }
}

export function stoppedError(): OfsyncError {
  return new OfsyncError("SYNC_STOPPED", "the synchroniser is stopped, so nothing more will be confirmed");
}
