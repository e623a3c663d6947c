import { FIELDS } from "../../flow/fields.ts";
import { Instructions } from "../../flow/instructions.ts";
import { oxmHeaderFor } from "../../flow/oxm.ts";
import { formatActionList } from "../actions/format-instructions.ts";
import { ActionMemo } from "./action-memo.ts";
import { printIpv4Mask } from "./match-printer.ts";
import { STRETCH, type TextBuffer } from "./text-buffer.ts";

/**
 * Prints canonical instruction bytes as `formatActionList` does, if they are one apply-actions: the usual set_field here, the
 * others action by action through a memory of what the careful road made of the same bytes before.
 */

const APPLY_ACTIONS = 4;
const SET_FIELD = 25;

interface Target {
  readonly name: string;
  readonly width: number;
  readonly format: "hex" | "mac" | "ipv4";
}

const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const SET_FIELD_NAME = /* @__PURE__ */ latin("set_field:");
const DROP = "drop";

/** What set_field may write here, by OXM header without mask. */
const TARGETS: ReadonlyMap<number, Target> = /* @__PURE__ */ targetsByHeader();

function targetsByHeader(): ReadonlyMap<number, Target> {
  const targets = new Map<number, Target>();
  for (const field of FIELDS) {
    const { format, bits, bytes, name } = field;
    if ((format !== "hex" && format !== "mac" && format !== "ipv4") || bits !== 8 * bytes || field.variable) continue;
    const header = oxmHeaderFor(field, 6);
    if (header === undefined || header.experimenter !== 0 || header.length !== bytes) continue;
    targets.set(((header.oxmClass << 16) | (header.type << 9) | header.length) >>> 0, { name, width: bytes, format });
  }
  return targets;
}

export class ActionPrinter {
  readonly #out: TextBuffer;
  readonly #memo = new ActionMemo();

  constructor(out: TextBuffer) {
    this.#out = out;
  }

  /** Appends the actions; true = done, false = appended nothing of use. */
  print(bytes: Uint8Array, start: number, length: number): boolean {
    const out = this.#out;
    if (length === 0) {
      out.ascii(DROP);
      return true;
    }
    const end = start + length;
    if (number(bytes, start, 2) !== APPLY_ACTIONS || number(bytes, start + 2, 2) !== length) return false;
    for (let at = start + 8; at < end; ) {
      const size = number(bytes, at + 2, 2);
      if (size < 8 || at + size > end) return false;
      if (at > start + 8) out.byte(44);
      if (number(bytes, at, 2) !== SET_FIELD || !this.#setField(bytes, at)) this.#remembered(bytes, at, at + size, end);
      at += size;
    }
    return true;
  }

  #setField(bytes: Uint8Array, start: number): boolean {
    const header = number(bytes, start + 4, 4);
    const masked = (header & 0x100) !== 0;
    const target = TARGETS.get(masked ? header - 0x100 - ((header & 0xff) >>> 1) : header);
    if (target === undefined) return false;
    const { width, format, name } = target;
    const at = start + 8;
    const mask = at + width;
    if (masked && isUniform(bytes, mask, width)) return false;
    const out = this.#out;
    out.copy(SET_FIELD_NAME, 0, SET_FIELD_NAME.length);
    if (format === "ipv4") {
      out.ipv4(bytes, at);
      if (masked) printIpv4Mask(out, bytes, mask);
    } else if (format === "mac") {
      out.mac(bytes, at);
      if (masked) {
        out.byte(47);
        out.mac(bytes, mask);
      }
    } else {
      out.hex(bytes, at, width);
      if (masked) {
        out.byte(47);
        out.hex(bytes, mask, width);
      }
    }
    out.byte(45);
    out.byte(62);
    out.ascii(name);
    return true;
  }

  #remembered(bytes: Uint8Array, start: number, end: number, listEnd: number): void {
    const memo = this.#memo;
    const hash = ActionMemo.hash(bytes, start, end, 0);
    if (!memo.find(bytes, start, end, 0, hash)) memo.add(bytes, start, end, 0, hash, latin(carefully(bytes, start, end)));
    const { length } = memo;
    this.#out.reserve(length + STRETCH * (listEnd - start));
    this.#out.copy(memo.results, memo.start, memo.start + length);
  }
}

/** One action, the careful way. */
function carefully(bytes: Uint8Array, start: number, end: number): string {
  const instructions = new Uint8Array(8 + end - start);
  instructions[1] = APPLY_ACTIONS;
  instructions[2] = instructions.length >>> 8;
  instructions[3] = instructions.length;
  instructions.set(bytes.subarray(start, end), 8);
  return formatActionList(Instructions.fromCanonical(instructions).actions);
}

/** Are all bytes of a mask ones, or all zeros? Such a mask is printed in another way. */
function isUniform(bytes: Uint8Array, at: number, size: number): boolean {
  const first = bytes[at];
  if (first !== 0 && first !== 0xff) return false;
  for (let i = 1; i < size; i++) if (bytes[at + i] !== first) return false;
  return true;
}

function number(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = at; i < at + size; i++) value = value * 256 + (bytes[i] as number);
  return value;
}
