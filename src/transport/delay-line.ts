import type { Clock, TimerHandle } from "../clock.ts";

/**
 * One direction of a pretended wire: what goes in comes out in the same order, each thing no sooner than its delay allows.
 * Nothing comes out within the call that put it in.
 */
export class DelayLine {
  readonly #clock: Clock;
  readonly #pace: "one" | "all";
  /** What has come out already stands before `#first`: taking away at the front would cost the length each time. */
  #queue: { readonly due: number; readonly run: () => void }[] = [];
  #first = 0;
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
    return this.#first === this.#queue.length;
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
    this.#first = 0;
    this.#lastDue = 0;
    this.#ticket++;
    this.#waiting = false;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Lets everything out at once, without waiting. */
  flush(): void {
    const queue = this.#queue.slice(this.#first);
    this.clear();
    for (const { run } of queue) run();
  }

  #wait(): void {
    const head = this.#queue[this.#first];
    if (head === undefined) {
      this.#queue = [];
      this.#first = 0;
      return;
    }
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
    let next = this.#queue[this.#first];
    do {
      this.#first++;
      next?.run();
      if (ticket !== this.#ticket) return;
      next = this.#queue[this.#first];
    } while (this.#pace === "all" && next !== undefined && next.due <= now);
    if (this.#first > 64 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    this.#waiting = false;
    this.#wait();
  }
}
