import { field } from "../../flow/fields.ts";
import { oxmHeaderFor } from "../../flow/oxm.ts";
import { ActionMemo } from "./action-memo.ts";
import type { Cursor } from "./cursor.ts";
import type { MatchScanner } from "./match-scanner.ts";
import { NAME_CHARACTER, NameTable } from "./name-table.ts";
import { NatTemplate } from "./nat-template.ts";
import { CONJUNCTION, DROP, OUTPUT, REMEMBERED, RESUBMIT, SET_FIELD } from "./scan-layout.ts";

/**
 * The action half of the fast road: reads the list behind `actions=` straight into canonical instruction bytes (one
 * apply-actions). A few actions are written here; the others, if they neither end the list nor change what is known of the
 * packet, are read once by the careful road and remembered by their text. For all else `scan` returns false.
 */

/** What the match says, as far as a single action may depend on it. `ethType` and `ipProto` are 0 when not matched. */
export type ActionContext = Pick<MatchScanner, "ethType" | "ipProto" | "vlanPresent" | "ctInvalid">;

/** Reads one action the careful way. An object and no function, so that calls look the same to the compiler for all readers. */
export interface SlowActions {
  /** Canonical bytes of the action; `undefined` if the whole line has to go the careful road. */
  read(text: string, context: ActionContext): Uint8Array | undefined;
}

const REMEMBERED_NAMES =
  "ct move push pop dec_ttl group controller learn clone load exit ct_clear check_pkt_larger multipath bundle bundle_load set_queue pop_queue fin_timeout sample delete_field";
const ACTIONS = /* @__PURE__ */ new NameTable(32);

// The fields that set_field may write without a look at the match, or with the Ethernet type alone, and whose text is a number or a
// MAC address or an IPv4 address.
const SIMPLE =
  "eth_src eth_dst metadata tun_id pkt_mark ip_src ip_dst arp_spa arp_tpa arp_sha arp_tha tun_src tun_dst reg0 reg1 reg2 reg3 reg4 reg5 reg6 reg7 reg8 reg9 reg10 reg11 reg12 reg13 reg14 reg15 xreg0 xreg1 xreg2 xreg3 xreg4 xreg5 xreg6 xreg7 xxreg0 xxreg1 xxreg2 xxreg3";
const TARGETS = 41;
/** Ids of the fields' names and aliases; the columns are indexed by the id. */
const TARGET_NAMES = /* @__PURE__ */ new NameTable(64);
const targetHeader = /* @__PURE__ */ new Int32Array(TARGETS + 1);
const targetBits = /* @__PURE__ */ new Uint8Array(TARGETS + 1);
const targetEthType = /* @__PURE__ */ new Uint16Array(TARGETS + 1);
/** How the value is written: 0 number, 1 MAC address, 2 IPv4 address. */
const targetFormat = /* @__PURE__ */ new Uint8Array(TARGETS + 1);
let isPrepared = false;

/** What each name of an action means. */
export function actionNames(): readonly (readonly [name: string, meaning: number])[] {
  return [
    ["resubmit", RESUBMIT],
    ["output", OUTPUT],
    ["set_field", SET_FIELD],
    ["conjunction", CONJUNCTION],
    ["drop", DROP],
    ...REMEMBERED_NAMES.split(" ").map((name) => [name, REMEMBERED] as const),
  ];
}

/** A field that set_field may write here. */
export interface SetFieldTarget {
  /** All that it may be called. */
  readonly names: readonly string[];
  /** OXM header without mask. */
  readonly header: number;
  readonly bits: number;
  /** The Ethernet type that the match must have; 0 = any. */
  readonly ethType: number;
  /** How the value is written: 0 number, 1 MAC address, 2 IPv4 address. */
  readonly format: number;
}

export function setFieldTargets(): readonly SetFieldTarget[] {
  return SIMPLE.split(" ").map((name) => {
    const target = field(name);
    const { bits, prerequisite, format } = target;
    const header = oxmHeaderFor(target, 6);
    return {
      names: [name, ...target.aliases],
      header: header === undefined ? 0 : (header.oxmClass << 16) | (header.type << 9) | header.length,
      bits,
      ethType: prerequisite === "ipv4" ? 0x0800 : prerequisite === "arp" ? 0x0806 : 0,
      format: format === "mac" ? 1 : format === "ipv4" ? 2 : 0,
    };
  });
}

/** Fills the tables, for the first line that is read: loading this file takes no time for them. */
function prepareActionNames(): void {
  if (isPrepared) return;
  isPrepared = true;
  for (const [name, id] of actionNames()) ACTIONS.add(name, id);
  for (const [index, { names, header, bits, ethType, format }] of setFieldTargets().entries()) {
    const id = index + 1;
    for (const name of names) TARGET_NAMES.add(name, id);
    targetHeader[id] = header;
    targetBits[id] = bits;
    targetEthType[id] = ethType;
    targetFormat[id] = format;
  }
}

const ARROW = Uint8Array.from([45, 62]);

export class ActionScanner {
  readonly #cursor: Cursor;
  readonly #match: MatchScanner;
  readonly #slow: SlowActions;
  readonly #memo = new ActionMemo();
  readonly #nat = new NatTemplate();

  /** Canonical instruction bytes of the last list are `bytes[0, length)`. */
  readonly bytes: Uint8Array = new Uint8Array(1 << 16);
  readonly #view = new DataView(this.bytes.buffer);
  length = 0;

  constructor(cursor: Cursor, match: MatchScanner, slow: SlowActions) {
    prepareActionNames();
    this.#cursor = cursor;
    this.#match = match;
    this.#slow = slow;
  }

  /** Reads from the cursor to the end of the line. False: the careful road has to read this line. */
  scan(): boolean {
    const cursor = this.#cursor;
    const { bytes, view: text, end } = cursor;
    const view = this.#view;
    const limit = this.bytes.length - 4096;
    let out = 8;
    let conjunctions = 0;
    let others = 0;
    for (;;) {
      const start = cursor.pos;
      if (out > limit) return false;
      let pos = start;
      let c = 0;
      for (; pos < end; pos++) {
        c = bytes[pos] as number;
        if (NAME_CHARACTER[c] === 0) break;
      }
      if (pos === start) return false;
      switch (ACTIONS.find(text, start, pos)) {
        case RESUBMIT: {
          // resubmit(,TABLE)
          if (pos + 2 >= end || c !== 40 || bytes[pos + 1] !== 44) return false;
          cursor.pos = pos + 2;
          if (!cursor.decimal(8) || cursor.word3 === 255) return false;
          if (cursor.pos >= end || bytes[cursor.pos] !== 41) return false;
          cursor.pos++;
          view.setInt32(out, 0xffff0010 | 0);
          view.setInt32(out + 4, 0x00002320);
          view.setInt32(out + 8, 0x000efff8);
          view.setInt32(out + 12, cursor.word3 << 24);
          out += 16;
          others++;
          break;
        }
        case OUTPUT:
          if (pos < end && c === 58 && pos + 1 < end && isDecimal(bytes[pos + 1] as number)) {
            cursor.pos = pos + 1;
            if (!this.#output(out)) return false;
            out += 16;
          } else {
            const size = this.#remembered(start, out);
            if (size < 0) return false;
            out += size;
          }
          others++;
          break;
        case SET_FIELD: {
          if (pos >= end || c !== 58) return false;
          cursor.pos = pos + 1;
          let size = this.#setField(out);
          if (size < 0) size = this.#remembered(start, out);
          if (size < 0) return false;
          out += size;
          others++;
          break;
        }
        case CONJUNCTION:
          if (pos >= end || c !== 40) return false;
          cursor.pos = pos + 1;
          if (!this.#conjunction(out)) return false;
          out += 16;
          conjunctions++;
          break;
        case DROP:
          if (out !== 8 || pos !== end) return false;
          this.length = 0;
          return true;
        case REMEMBERED: {
          const size = this.#remembered(start, out);
          if (size < 0) return false;
          out += size;
          others++;
          break;
        }
        default:
          // A bare port number.
          if (!isDecimal(bytes[start] as number)) return false;
          cursor.pos = start;
          if (!this.#output(out)) return false;
          out += 16;
          others++;
      }
      if (cursor.pos === end) break;
      if (bytes[cursor.pos] !== 44) return false;
      cursor.pos++;
    }
    if (conjunctions > 0 && others > 0) return false;
    view.setUint16(0, 4);
    view.setUint16(2, out);
    view.setInt32(4, 0);
    this.length = out;
    return true;
  }

  #output(out: number): boolean {
    const cursor = this.#cursor;
    if (!cursor.decimal(16) || cursor.word3 === 0 || cursor.word3 >= 0xff00) return false;
    const view = this.#view;
    view.setInt32(out, 0x00000010);
    view.setInt32(out + 4, cursor.word3);
    view.setInt32(out + 8, 0);
    view.setInt32(out + 12, 0);
    return true;
  }

  /** `ID,K/N)` */
  #conjunction(out: number): boolean {
    const cursor = this.#cursor;
    if (!cursor.decimal(32)) return false;
    const id = cursor.word3;
    if (cursor.bytes[cursor.pos] !== 44) return false;
    cursor.pos++;
    if (!cursor.decimal(8)) return false;
    const clause = cursor.word3;
    if (cursor.bytes[cursor.pos] !== 47) return false;
    cursor.pos++;
    if (!cursor.decimal(8)) return false;
    const clauses = cursor.word3;
    if (cursor.pos >= cursor.end || cursor.bytes[cursor.pos] !== 41) return false;
    cursor.pos++;
    if (clauses < 2 || clauses > 64 || clause < 1 || clause > clauses) return false;
    const view = this.#view;
    view.setInt32(out, 0xffff0010 | 0);
    view.setInt32(out + 4, 0x00002320);
    view.setInt32(out + 8, (0x0022 << 16) | ((clause - 1) << 8) | clauses);
    view.setInt32(out + 12, id);
    return true;
  }

  /** `VALUE[/MASK]->FIELD`. Returns the bytes written, -1 when it is not as simple as that. */
  #setField(out: number): number {
    const cursor = this.#cursor;
    const { bytes, end, pos: start } = cursor;
    // The field stands behind the value and says how the value is written.
    let pos = start;
    while (pos + 1 < end && bytes[pos] !== 62 && bytes[pos] !== 44) pos++;
    if (bytes[pos] !== 62 || bytes[pos - 1] !== 45) return -1;
    const nameStart = ++pos;
    while (pos < end && bytes[pos] !== 44) pos++;
    const target = TARGET_NAMES.find(cursor.view, nameStart, pos);
    if (target === 0) return -1;
    const ethType = targetEthType[target] as number;
    if (ethType !== 0 && ethType !== this.#match.ethType) return -1;
    const format = targetFormat[target] as number;
    const bits = targetBits[target] as number;
    if (!this.#value(format, bits)) return -1;
    const { word0, word1, word2, word3 } = cursor;
    const width = bits >> 3;
    let size = 8 + width;
    let masked = false;
    if (bytes[cursor.pos] === 47) {
      cursor.pos++;
      if (!this.#value(format, bits)) return -1;
      const { word0: m0, word1: m1, word2: m2, word3: m3 } = cursor;
      if (((word0 & ~m0) | (word1 & ~m1) | (word2 & ~m2) | (word3 & ~m3)) !== 0 || (m0 | m1 | m2 | m3) === 0) return -1;
      masked = true;
      size += width;
    }
    if (!cursor.take(ARROW) || cursor.pos !== nameStart) return -1;
    const view = this.#view;
    const padded = (size + 7) & ~7;
    const header = targetHeader[target] as number;
    view.setInt32(out, (25 << 16) | padded);
    view.setInt32(out + 4, masked ? (header & ~0xff) | 0x100 | (2 * width) : header);
    let at = out + 8;
    if (masked) {
      const { word0: m0, word1: m1, word2: m2, word3: m3 } = cursor;
      if (isAllOnes(bits, m0, m1, m2, m3)) return -1;
      at = putWords(view, at, width, word0, word1, word2, word3);
      at = putWords(view, at, width, m0, m1, m2, m3);
    } else at = putWords(view, at, width, word0, word1, word2, word3);
    while (at < out + padded) view.setUint8(at++, 0);
    cursor.pos = pos;
    return padded;
  }

  #value(format: number, bits: number): boolean {
    const cursor = this.#cursor;
    if (format === 1) return cursor.mac();
    if (format === 2) return cursor.ipv4();
    return cursor.number(bits);
  }

  /** The action from `start` to the next comma outside parentheses, by the memo. Returns the bytes written, -1: give up. */
  #remembered(start: number, out: number): number {
    const { bytes, end } = this.#cursor;
    let depth = 0;
    let pos = start;
    for (; pos < end; pos++) {
      const c = bytes[pos] as number;
      if (c === 40) depth++;
      else if (c === 41) depth--;
      else if (c === 44 && depth === 0) break;
      else if (c >= 127) return -1;
    }
    if (depth !== 0) return -1;
    const nat = this.#nat;
    const isNat = nat.find(this.#cursor, start, pos);
    const size = isNat ? this.#recall(nat.text, 0, nat.length, out) : this.#recall(bytes, start, pos, out);
    if (size >= 0 && isNat && !nat.patch(this.bytes, out, size)) return this.#recall(bytes, start, pos, out);
    this.#cursor.pos = pos;
    return size;
  }

  /** Writes what the action `bytes[start, end)` means, as the memo or the careful road knows it. Bytes written, -1: give up. */
  #recall(bytes: Uint8Array, start: number, end: number, out: number): number {
    const match = this.#match;
    const context = match.ethType | (match.ipProto << 16) | (match.vlanPresent ? 1 << 24 : 0) | (match.ctInvalid ? 1 << 25 : 0);
    const memo = this.#memo;
    const hash = ActionMemo.hash(bytes, start, end, context);
    if (!memo.find(bytes, start, end, context, hash)) {
      let text = "";
      for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
      const result = this.#slow.read(text, match);
      if (result === undefined || result.length > 4096) return -1;
      memo.add(bytes, start, end, context, hash, result);
    }
    const source = memo.results;
    const target = this.bytes;
    for (let i = memo.start, j = out, stop = memo.start + memo.length; i < stop; i++, j++) target[j] = source[i] as number;
    return memo.length;
  }
}

function isAllOnes(bits: number, m0: number, m1: number, m2: number, m3: number): boolean {
  if (bits >= 128) return (m0 & m1 & m2 & m3) === -1;
  if (bits === 64) return (m2 & m3) === -1;
  if (bits === 48) return m2 === 0xffff && m3 === -1;
  return bits === 32 ? m3 === -1 : m3 === (1 << bits) - 1;
}

function putWords(view: DataView, at: number, width: number, word0: number, word1: number, word2: number, word3: number): number {
  if (width === 4) view.setInt32(at, word3);
  else if (width === 6) {
    view.setUint16(at, word2);
    view.setInt32(at + 2, word3);
  } else if (width === 8) {
    view.setInt32(at, word2);
    view.setInt32(at + 4, word3);
  } else {
    view.setInt32(at, word0);
    view.setInt32(at + 4, word1);
    view.setInt32(at + 8, word2);
    view.setInt32(at + 12, word3);
  }
  return at + width;
}

function isDecimal(c: number): boolean {
  return c >= 48 && c <= 57;
}
