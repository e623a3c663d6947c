import type { PackedFlow } from "../flow/packed-flow.ts";
import { ActionPrinter } from "./fast/action-printer.ts";
import { MatchPrinter } from "./fast/match-printer.ts";
import { STRETCH, TextBuffer } from "./fast/text-buffer.ts";
import { formatDiffFlow } from "./format-flow.ts";
import { flowOf } from "./packed-flow.ts";

/** Room for the text of all that is neither match nor actions. */
const ATTRIBUTES = 256;

/**
 * Prints many packed flows without an object per flow: the quick sibling of `formatDiffFlow`, with the very same text. What was
 * written lies in {@link bytes} until {@link clear}.
 */
export class FlowTextWriter {
  readonly #out = new TextBuffer(1 << 16);
  readonly #match = new MatchPrinter(this.#out);
  readonly #actions = new ActionPrinter(this.#out);
  readonly #decoder = new TextDecoder();

  /** The text so far, as ASCII; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#out.bytes.subarray(0, this.#out.length);
  }

  get length(): number {
    return this.#out.length;
  }

  /** The same as a string. */
  text(): string {
    return this.#decoder.decode(this.bytes);
  }

  clear(): void {
    this.#out.length = 0;
  }

  /** Appends ASCII text as it is. */
  write(text: string): void {
    this.#out.reserve(text.length);
    this.#out.ascii(text);
  }

  /** Appends what `formatDiffFlow(flow)` returns, without a line end. */
  writeDiffFlow(flow: PackedFlow): void {
    const out = this.#out;
    out.reserve(ATTRIBUTES + STRETCH * (flow.matchLength + flow.instructionsLength));
    const start = out.length;
    if (this.#diffFlow(flow)) return;
    out.length = start;
    this.write(formatDiffFlow(flowOf(flow)));
  }

  #diffFlow(flow: PackedFlow): boolean {
    const out = this.#out;
    if (flow.table !== 0) {
      out.ascii("table=");
      out.decimal(flow.table);
      out.byte(32);
    }
    if (!this.#match.print(flow.matchBuffer, flow.matchStart, flow.matchLength, flow.priority)) return false;
    if (flow.cookieLow !== 0 || flow.cookieHigh !== 0) {
      out.ascii(" cookie=0x");
      const low = (flow.cookieLow >>> 0).toString(16);
      out.ascii(flow.cookieHigh === 0 ? low : (flow.cookieHigh >>> 0).toString(16) + low.padStart(8, "0"));
    }
    this.#attribute(" idle_timeout=", flow.idleTimeout);
    this.#attribute(" hard_timeout=", flow.hardTimeout);
    this.#attribute(" importance=", flow.importance);
    out.ascii(" actions=");
    return this.#actions.print(flow.instructionsBuffer, flow.instructionsStart, flow.instructionsLength);
  }

  #attribute(name: string, value: number): void {
    if (value === 0) return;
    this.#out.ascii(name);
    this.#out.decimal(value);
  }
}
