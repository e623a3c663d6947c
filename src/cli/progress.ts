import type { Terminal } from "./terminal.ts";

const FIRST_MS = 500;
const EVERY_MS = 100;

/**
 * A line on standard error that says how far a long job is: done, total, rate, remaining time. Shown only when a person is
 * watching and the job takes longer than half a second.
 */
export class Progress {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #unit: string;
  readonly #total: number | undefined;
  readonly #start: number = performance.now();
  #next: number;

  constructor(terminal: Terminal, label: string, unit: string, total: number | undefined) {
    this.#terminal = terminal;
    this.#label = label;
    this.#unit = unit;
    this.#total = total;
    this.#next = terminal.watched ? this.#start + FIRST_MS : Number.POSITIVE_INFINITY;
  }

  /** `done` of the total so far. Cheap to call often. */
  update(done: number): void {
    if (this.#next === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + EVERY_MS;
    this.#terminal.redraw(
      progressLine(this.#label, this.#unit, done, this.#total, (now - this.#start) / 1000, this.#terminal.columns),
    );
  }

  /** Wipes the line. */
  end(): void {
    if (this.#next !== Number.POSITIVE_INFINITY) this.#terminal.redraw("");
    this.#next = Number.POSITIVE_INFINITY;
  }
}

/** The text of a progress line, no longer than `columns`. */
export function progressLine(
  label: string,
  unit: string,
  done: number,
  total: number | undefined,
  seconds: number,
  columns: number,
): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const parts = [label];
  if (total !== undefined && total > 0) {
    const share = Math.min(1, done / total);
    const filled = Math.round(share * 20);
    parts.push(`[${"=".repeat(filled)}${" ".repeat(20 - filled)}] ${Math.floor(share * 100)}%`);
  }
  parts.push(`${amount(done)} ${unit}, ${amount(rate)}/s`);
  if (total !== undefined && rate > 0) parts.push(`${Math.max(0, Math.ceil((total - done) / rate))} s left`);
  return parts.join(" ").slice(0, Math.max(0, columns - 1));
}

function amount(value: number): string {
  if (value >= 1e7) return `${(value / 1e6).toFixed(0)}M`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)}k`;
  return value.toFixed(0);
}
