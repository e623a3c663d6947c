import type { Clock, TimerHandle } from "../clock.ts";

/**
 * One direction of a pretended wire: what goes in comes out in the same order, each thing no sooner than its delay allows.
 * Nothing comes out within the call that put it in.
 */
export class DelayLine {
  readonly #clock: Clock;
  readonly #pace: "one" | "all";
  #queue: { readonly due: number; readonly run: () => void }[] = [];
  #lastDue = 0;
  #timer: TimerHandle | undefined;
  /** A microtask is on its way; its number, so that `clear` can disown it. */
  #ticket = 0;
  #waiting = false;

  /**
   * `one`: one thing a turn (microtask), so that what it sets off in the other direction may arrive before the next one does;
   * `all`: everything that is due in one turn.
   */
  constructor(clock: Clock, pace: "one" | "all") {
    this.#clock = clock;
    this.#pace = pace;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  push(delayMs: number, run: () => void): void {
    const due = Math.max(this.#lastDue, this.#clock.now() + Math.max(0, delayMs));
    this.#lastDue = due;
    this.#queue.push({ due, run });
    if (!this.#waiting) this.#wait();
  }

  /** Forgets everything on its way. */
  clear(): void {
    this.#queue = [];
    this.#lastDue = 0;
    this.#ticket++;
    this.#waiting = false;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Lets everything out at once, without waiting. */
  flush(): void {
    const queue = this.#queue;
    this.clear();
    for (const { run } of queue) run();
  }

  #wait(): void {
    const head = this.#queue[0];
    if (head === undefined) return;
    this.#waiting = true;
    const ticket = ++this.#ticket;
    const go = (): void => {
      if (ticket === this.#ticket) this.#release();
    };
    const delay = head.due - this.#clock.now();
    if (delay <= 0) queueMicrotask(go);
    else this.#timer = this.#clock.setTimeout(go, delay);
  }

  #release(): void {
    const ticket = this.#ticket;
    this.#timer = undefined;
    const now = this.#clock.now();
    do {
      this.#queue.shift()?.run();
      if (ticket !== this.#ticket) return;
    } while (this.#pace === "all" && this.#queue[0] !== undefined && this.#queue[0].due <= now);
    this.#waiting = false;
    this.#wait();
  }
}
