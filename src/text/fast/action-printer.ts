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
const OUTPUT = 0;
const SET_FIELD = 25;

const NICIRA_ACTION = 0xffff;
const NICIRA = 0x2320;
const CONJUNCTION = 34;
const CT = 35;
const NAT = 36;
/** Bytes of a ct in front of the actions inside. */
const CT_HEAD = 24;
/** `range_present` of a nat with one IPv4 address, and the bit for a port. */
const IPV4_MIN = 1;
const PROTO_MIN = 16;

interface Target {
  readonly name: string;
  readonly width: number;
  readonly format: "hex" | "mac" | "ipv4";
}

const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const SET_FIELD_NAME = /* @__PURE__ */ latin("set_field:");
const OUTPUT_NAME = /* @__PURE__ */ latin("output:");
const CONJUNCTION_NAME = /* @__PURE__ */ latin("conjunction(");
const DROP = "drop";
const STAND_IN = /* @__PURE__ */ latin("=1.1.1.1");
const STAND_IN_PORT = /* @__PURE__ */ latin("=1.1.1.1:1");

/** What set_field may write here, by OXM header without mask. Made for the first printer. */
let targets: ReadonlyMap<number, Target> | undefined;

function targetsByHeader(): ReadonlyMap<number, Target> {
  const found = new Map<number, Target>();
  for (const field of FIELDS) {
    const { format, bits, bytes, name } = field;
    if ((format !== "hex" && format !== "mac" && format !== "ipv4") || bits !== 8 * bytes || field.variable) continue;
    const header = oxmHeaderFor(field, 6);
    if (header === undefined || header.experimenter !== 0 || header.length !== bytes) continue;
    found.set(((header.oxmClass << 16) | (header.type << 9) | header.length) >>> 0, { name, width: bytes, format });
  }
  return found;
}

export class ActionPrinter {
  readonly #out: TextBuffer;
  readonly #memo = new ActionMemo();
  readonly #scratch = new Uint8Array(512);
  readonly #targets: ReadonlyMap<number, Target>;

  constructor(out: TextBuffer) {
    this.#out = out;
    targets ??= targetsByHeader();
    this.#targets = targets;
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
      if (!this.#usual(bytes, at, number(bytes, at, 2), size)) this.#remembered(bytes, at, at + size, end);
      at += size;
    }
    return true;
  }

  /** The actions that come with more values than are worth remembering. */
  #usual(bytes: Uint8Array, at: number, type: number, size: number): boolean {
    const out = this.#out;
    switch (type) {
      case SET_FIELD:
        return this.#setField(bytes, at);
      case OUTPUT:
        if (number(bytes, at + 4, 4) >= 0xff00 || number(bytes, at + 8, 2) !== 0) return false;
        out.copy(OUTPUT_NAME, 0, OUTPUT_NAME.length);
        out.decimal(number(bytes, at + 4, 4));
        return true;
      case NICIRA_ACTION:
        if (size !== 16 || number(bytes, at + 4, 4) !== NICIRA || number(bytes, at + 8, 2) !== CONJUNCTION) return false;
        out.copy(CONJUNCTION_NAME, 0, CONJUNCTION_NAME.length);
        out.decimal(number(bytes, at + 12, 4));
        out.byte(44);
        out.decimal((bytes[at + 10] as number) + 1);
        out.byte(47);
        out.decimal(bytes[at + 11] as number);
        out.byte(41);
        return true;
      default:
        return false;
    }
  }

  #setField(bytes: Uint8Array, start: number): boolean {
    const header = number(bytes, start + 4, 4);
    const masked = (header & 0x100) !== 0;
    const target = this.#targets.get(masked ? header - 0x100 - ((header & 0xff) >>> 1) : header);
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
    const nat = natAddress(bytes, start, end);
    if (nat < 0 || end - start > this.#scratch.length) {
      this.#recall(bytes, start, end, listEnd - start);
      this.#out.copy(this.#memo.results, this.#memo.start, this.#memo.start + this.#memo.length);
      return;
    }
    // All translations to one address, with or without a port, that differ in these alone are remembered once.
    const scratch = this.#scratch;
    for (let i = start; i < end; i++) scratch[i - start] = bytes[i] as number;
    const hasPort = bytes[nat - 1] !== IPV4_MIN;
    const at = nat - start;
    scratch.fill(1, at, at + 4);
    if (hasPort) {
      scratch[at + 4] = 0;
      scratch[at + 5] = 1;
    }
    this.#recall(scratch, 0, end - start, listEnd - start);
    const out = this.#out;
    const memo = this.#memo;
    const text = memo.results;
    const standIn = indexOf(text, memo.start, memo.start + memo.length, hasPort ? STAND_IN_PORT : STAND_IN);
    out.copy(text, memo.start, standIn + 1);
    out.ipv4(bytes, nat);
    if (hasPort) {
      out.byte(58);
      out.decimal(number(bytes, nat + 4, 2));
    }
    out.copy(text, standIn + (hasPort ? STAND_IN_PORT : STAND_IN).length, memo.start + memo.length);
  }

  /** Has the memo point at the text of an action, and makes room for it and for `rest` bytes of actions. */
  #recall(bytes: Uint8Array, start: number, end: number, rest: number): void {
    const memo = this.#memo;
    const hash = ActionMemo.hash(bytes, start, end, 0);
    if (!memo.find(bytes, start, end, 0, hash)) memo.add(bytes, start, end, 0, hash, latin(carefully(bytes, start, end)));
    this.#out.reserve(memo.length + STRETCH * rest);
  }
}

/**
 * Where the address is, if this is a ct whose first inner action is a nat to one IPv4 address, with or without a port, and which
 * has no other nat; else -1.
 */
function natAddress(bytes: Uint8Array, start: number, end: number): number {
  const nat = start + CT_HEAD;
  if (end < nat + 24 || number(bytes, start, 2) !== NICIRA_ACTION || number(bytes, start + 4, 4) !== NICIRA) return -1;
  if (number(bytes, start + 8, 2) !== CT || number(bytes, nat, 2) !== NICIRA_ACTION) return -1;
  if (number(bytes, nat + 4, 4) !== NICIRA || number(bytes, nat + 8, 2) !== NAT) return -1;
  const present = number(bytes, nat + 14, 2);
  if (present !== IPV4_MIN && present !== (IPV4_MIN | PROTO_MIN)) return -1;
  if (number(bytes, nat + 16, 4) === 0 || (present !== IPV4_MIN && number(bytes, nat + 20, 2) === 0)) return -1;
  // What follows must have no address that could be taken for the stand-in.
  for (let at = nat + number(bytes, nat + 2, 2); at + 8 <= end; at += Math.max(8, number(bytes, at + 2, 2))) {
    const type = number(bytes, at, 2);
    if (type === NICIRA_ACTION ? number(bytes, at + 8, 2) === NAT : type !== SET_FIELD) return -1;
  }
  return nat + 16;
}

function indexOf(bytes: Uint8Array, start: number, end: number, text: Uint8Array): number {
  for (let at = start; at < end; at++) {
    let i = 0;
    while (i < text.length && bytes[at + i] === text[i]) i++;
    if (i === text.length) return at;
  }
  return end;
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
