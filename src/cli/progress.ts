import type { Terminal } from "./terminal.ts";

const FIRST_MS = 500;
const EVERY_MS = 100;

/**
 * A line on standard error that says how far a long job is: share, count, rate, remaining time. Shown only when a person is
 * watching and the job takes longer than half a second.
 */
export class Progress {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #unit: string;
  readonly #total: number | undefined;
  readonly #start: number = performance.now();
  #next: number;

  /** `total`: of how many units, when that is known. */
  constructor(terminal: Terminal, label: string, unit: string, total: number | undefined) {
    this.#terminal = terminal;
    this.#label = label;
    this.#unit = unit;
    this.#total = total;
    this.#next = terminal.watched ? this.#start + FIRST_MS : Number.POSITIVE_INFINITY;
  }

  /** `done` units so far; `share` from 0 to 1 where the total is not known in units. Cheap to call often. */
  update(done: number, share?: number): void {
    if (this.#next === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + EVERY_MS;
    const known = share ?? (this.#total === undefined || this.#total === 0 ? undefined : done / this.#total);
    const text = progressLine({ label: this.#label, unit: this.#unit, done, share: known, seconds: (now - this.#start) / 1000 });
    this.#terminal.redraw(text.slice(0, Math.max(0, this.#terminal.columns - 1)));
  }

  /** Wipes the line. */
  end(): void {
    if (this.#next !== Number.POSITIVE_INFINITY) this.#terminal.redraw("");
    this.#next = Number.POSITIVE_INFINITY;
  }
}

/** What a progress line says. */
export interface ProgressState {
  readonly label: string;
  readonly unit: string;
  readonly done: number;
  /** From 0 to 1; `undefined` when nobody knows. */
  readonly share: number | undefined;
  readonly seconds: number;
}

/** The text of a progress line. */
export function progressLine({ label, unit, done, share, seconds }: ProgressState): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const parts = [label];
  if (share !== undefined) {
    const bounded = Math.min(1, Math.max(0, share));
    const filled = Math.round(bounded * 20);
    parts.push(`[${"=".repeat(filled)}${" ".repeat(20 - filled)}] ${Math.floor(bounded * 100)}%`);
  }
  parts.push(`${amount(done)} ${unit}, ${amount(rate)}/s`);
  if (share !== undefined && share > 0) parts.push(`${Math.ceil((seconds * Math.max(0, 1 - share)) / share)} s left`);
  return parts.join(" ");
}

function amount(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(value >= 1e7 ? 0 : 1)}M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(0)}k` : value.toFixed(0);
}
