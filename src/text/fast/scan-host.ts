import { fromHex } from "../../bytes.ts";
import type { ParseOptions } from "../parse-match.ts";
import { actionNames, type SlowActions, setFieldTargets } from "./action-scanner.ts";
import { CarefulActions } from "./line-reader.ts";
import { bitsOf, ethTypeOf, kindOf, maskableOf, nameOf, prepareMatchNames, protoOf, slotOf } from "./match-names.ts";
import { HEADER, prepareMatchSlots, SLOTS, WIDTH } from "./match-slots.ts";
import { MEMORY_KIND_AT, SCAN_CODE } from "./scan-core-code.ts";
import {
  ACTION_NAME_SLOTS,
  ACTION_NAMES,
  CLEARS_HOST_BITS,
  FLOW_COUNT,
  FLOWS,
  HEADERS,
  LINE,
  LONGEST_RUN,
  MATCH_NAME_SLOTS,
  MATCH_NAMES,
  MEMO,
  MEMO_BYTES,
  MEMO_BYTES_END,
  MEMO_SLOT_WORDS,
  MEMO_SLOTS,
  MISSING_CONTEXT,
  MISSING_END,
  MISSING_START,
  NAME_MEANING,
  NAME_WORDS,
  NEXT_FLOW,
  PAGES,
  TARGET_NAME_SLOTS,
  TARGET_NAMES,
  TEXT,
  WIDTHS,
} from "./scan-layout.ts";

/** What scan-core.ts exports. */
interface ScanCode {
  scan(from: number, to: number): number;
}

interface WebAssemblyHost {
  readonly WebAssembly?: {
    readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: ScanCode };
  };
}

/** Compiled when first needed; `null`: the host does not let us. */
let compiled: object | null | undefined;

function scanModule(): object | null {
  const { WebAssembly } = globalThis as WebAssemblyHost;
  if (WebAssembly === undefined) return null;
  const bytes = fromHex(SCAN_CODE) as Uint8Array;
  // Its memory is not shared.
  bytes[MEMORY_KIND_AT] = 1;
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    // A page's security policy may forbid it; the other roads do the same, only slower.
    return null;
  }
}

/** By compat and version, one each that nobody uses at present: what it remembers is as good for the next reader. */
const spare = /* @__PURE__ */ new Map<string, ScanHost>();

/** The scanner in WebAssembly (scan-core.ts), with its memory and what the careful road has told it of single actions. */
export class ScanHost {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly #code: ScanCode;
  readonly #slow: SlowActions;
  readonly #kind: string;
  #memoCount = 0;
  #memoEnd = 4 * MEMO_BYTES;

  /** `undefined` where the host has no WebAssembly or forbids it, or where the rules differ from those that are known here. */
  static start(options: ParseOptions): ScanHost | undefined {
    const { version = "OpenFlow15", ports, showHidden } = options;
    if (version !== "OpenFlow13" && version !== "OpenFlow14" && version !== "OpenFlow15") return undefined;
    if (ports !== undefined || showHidden === true) return undefined;
    const { WebAssembly } = globalThis as WebAssemblyHost;
    if (WebAssembly === undefined) return undefined;
    // A listener of warnings is one reader's own.
    const kind = options.onWarning === undefined ? `${options.compat ?? "strict"} ${version}` : "";
    const used = spare.get(kind);
    if (used !== undefined) {
      spare.delete(kind);
      return used;
    }
    compiled ??= scanModule();
    if (compiled === null) return undefined;
    try {
      const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
      const { exports } = new WebAssembly.Instance(compiled, { m: { m: memory } });
      return new ScanHost(options, memory.buffer, exports, kind);
    } catch {
      // No more memory of this kind just now.
      return undefined;
    }
  }

  /** Its reader has come to the end. */
  release(): void {
    this.words[NEXT_FLOW] = FLOWS;
    this.words[FLOW_COUNT] = 0;
    if (this.#kind !== "") spare.set(this.#kind, this);
  }

  private constructor(options: ParseOptions, memory: ArrayBuffer, code: ScanCode, kind: string) {
    this.#kind = kind;
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.#code = code;
    this.#slow = new CarefulActions(options);
    // Who wants to hear of changes gets them from the careful road.
    this.words[CLEARS_HOST_BITS] = options.compat === "ovs" && options.onWarning === undefined ? 1 : 0;
    this.words[NEXT_FLOW] = FLOWS;
    this.#fillTables();
  }

  #fillTables(): void {
    prepareMatchNames();
    prepareMatchSlots();
    for (let id = 1; id < nameOf.length; id++) {
      const [kind, slot, bits] = [kindOf[id] as number, slotOf[id] as number, bitsOf[id] as number];
      const meaning = kind | (slot << 8) | (bits << 16) | ((maskableOf[id] as number) << 24);
      const needs = [ethTypeOf[id] as number, protoOf[id] as number];
      this.#addName(MATCH_NAMES, MATCH_NAME_SLOTS, nameOf[id] as string, [meaning, ...needs]);
    }
    for (const [name, meaning] of actionNames()) this.#addName(ACTION_NAMES, ACTION_NAME_SLOTS, name, [meaning]);
    for (const { names, header, bits, ethType, format } of setFieldTargets()) {
      for (const name of names) this.#addName(TARGET_NAMES, TARGET_NAME_SLOTS, name, [format | (bits << 8), ethType, header]);
    }
    for (let slot = 0; slot < SLOTS; slot++) {
      this.words[HEADERS + slot] = HEADER[slot] as number;
      this.words[WIDTHS + slot] = WIDTH[slot] as number;
    }
  }

  /** As `findName` of scan-core.ts looks for it. */
  #addName(table: number, slots: number, name: string, meaning: readonly number[]): void {
    const size = name.length;
    const view = new DataView(Uint8Array.from(name.padEnd(16, "\0"), (c) => c.charCodeAt(0)).buffer);
    let first = 0;
    if (size >= 4) first = view.getInt32(0, true);
    else for (let i = 0; i < size; i++) first = (first << 8) | view.getUint8(i);
    const last = size > 4 ? view.getInt32(size - 4, true) : 0;
    const hash = Math.imul(first ^ Math.imul(last, 0x9e37_79b1), 0x85eb_ca6b) + size;
    let slot = (hash ^ (hash >>> 15)) & (slots - 1);
    while (this.words[table + NAME_WORDS * slot] !== 0) slot = (slot + 1) & (slots - 1);
    const at = table + NAME_WORDS * slot;
    const [middle, late] = [size > 8 ? view.getInt32(4, true) : 0, size > 12 ? view.getInt32(8, true) : 0];
    this.words.set([size, first, last, middle, late], at);
    this.words.set(meaning, at + NAME_MEANING);
  }

  /** Takes whole lines into the memory; at most `TEXT_BYTES`. Returns the byte behind them. */
  load(bytes: Uint8Array, from: number, to: number): number {
    this.bytes.set(bytes.subarray(from, to), 4 * TEXT);
    return 4 * TEXT + to - from;
  }

  /** As `scan` of scan-core.ts. */
  scan(from: number, to: number): number {
    return this.#code.scan(from, to);
  }

  /** The byte of the memory at which the line begins that was read last or could not be read. */
  get line(): number {
    return this.words[LINE] as number;
  }

  /** Asks the careful road for the action that was MISSING; false: this line is not for us. */
  learn(): boolean {
    const { words, bytes } = this;
    const [start, end] = [words[MISSING_START] as number, words[MISSING_END] as number];
    const context = words[MISSING_CONTEXT] as number;
    let text = "";
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
    const result = this.#slow.read(text, {
      ethType: context & 0xffff,
      ipProto: (context >>> 16) & 0xff,
      vlanPresent: (context & (1 << 24)) !== 0,
      ctInvalid: (context & (1 << 25)) !== 0,
    });
    if (result === undefined || result.length > 4096 || result.length % 4 !== 0) return false;
    const size = end - start;
    if (2 * this.#memoCount >= MEMO_SLOTS || this.#memoEnd + size + result.length > 4 * MEMO_BYTES_END) this.#forget();
    let hash = context;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    hash ^= hash >>> 15;
    let slot = hash & (MEMO_SLOTS - 1);
    for (let steps = 1; words[MEMO + MEMO_SLOT_WORDS * slot + 3] !== 0; steps++) {
      // Longer runs are not looked through.
      if (steps === LONGEST_RUN) {
        this.#forget();
        return false;
      }
      slot = (slot + 1) & (MEMO_SLOTS - 1);
    }
    bytes.copyWithin(this.#memoEnd, start, end);
    bytes.set(result, this.#memoEnd + size);
    words.set([hash, context, this.#memoEnd, (size << 16) | result.length], MEMO + MEMO_SLOT_WORDS * slot);
    this.#memoEnd += size + result.length;
    this.#memoCount++;
    return true;
  }

  #forget(): void {
    this.words.fill(0, MEMO, MEMO + MEMO_SLOT_WORDS * MEMO_SLOTS);
    this.#memoCount = 0;
    this.#memoEnd = 4 * MEMO_BYTES;
  }
}
