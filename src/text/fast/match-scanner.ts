import type { Cursor } from "./cursor.ts";
import {
  ATTRIBUTE,
  bitsOf,
  DURATION,
  ethTypeOf,
  ICMP_ANY,
  IP_ANY,
  IPV4,
  IPV6,
  KIND,
  kindOf,
  L4_ANY,
  MATCH_NAMES,
  maskableOf,
  prepareMatchNames,
  protoOf,
  slotOf,
} from "./match-names.ts";
import {
  CT_STATE,
  ETH_TYPE,
  HEADER,
  ICMP_CODE,
  ICMP_TYPE,
  IP_PROTO,
  ND_SLL,
  ND_TARGET,
  ND_TLL,
  prepareMatchSlots,
  SLOTS,
  TP_SRC,
  WIDTH,
} from "./match-slots.ts";
import { NAME_CHARACTER } from "./name-table.ts";

/**
 * The match half of the fast road: reads the comma or blank separated part of a line in front of `actions=` straight into
 * canonical match bytes and numbers.
 *
 * It knows the fields that make up nearly all of real tables, with values that need no correction; for everything else
 * (a rare field, a mask that drops bits, a missing prerequisite, a field given twice) `scan` returns false and the careful
 * road decides. What it accepts, it turns into the very bytes of the careful road: `test/text/fast-road.test.ts` compares
 * both over every vector and every flow set.
 */

const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const CT_FLAGS: readonly (readonly [Uint8Array, number])[] = (
  [
    ["new", 1],
    ["est", 2],
    ["rel", 4],
    ["rpl", 8],
    ["inv", 16],
    ["trk", 32],
    ["snat", 64],
    ["dnat", 128],
  ] as const
).map(([text, bit]) => [latin(text), bit] as const);
const CT_INVALID = 16;
const LOCAL = latin("LOCAL");
const NOT_LATER = latin("not_later");
const NO_VLAN = latin("0x0000/0x1000");
const ANY_VLAN = latin("0x1000/0x1000");

const DEFAULT_PRIORITY = 0x8000;

export class MatchScanner {
  readonly #cursor: Cursor;
  /** Four words a slot, right-aligned; masks only where the slot's bit of `#masked…` is set. */
  readonly #values = new Int32Array(4 * SLOTS);
  readonly #masks = new Int32Array(4 * SLOTS);
  #present = 0;
  #presentHigh = 0;
  #masked = 0;
  #maskedHigh = 0;
  readonly #registers = new Int32Array(16);
  readonly #registerMasks = new Int32Array(16);
  #registersSeen = 0;
  #hasStatistics = false;

  /** Canonical match bytes of the last line are `bytes[0, length)`. */
  readonly bytes: Uint8Array = new Uint8Array(1024);
  readonly #view = new DataView(this.bytes.buffer);
  length = 0;
  /** Attributes of the last line. */
  table = 0;
  priority: number = DEFAULT_PRIORITY;
  idleTimeout = 0;
  hardTimeout = 0;
  flags = 0;
  cookieHigh = 0;
  cookieLow = 0;
  /** What actions need to know: the matched Ethernet type and IP protocol, 0 when not matched. */
  ethType = 0;
  ipProto = 0;
  vlanPresent = false;
  /** Only invalid connections match. */
  ctInvalid = false;
  /**
   * Where the values of the last line's statistics begin and end: two numbers each for duration, packets, bytes, idle age and hard age;
   * an end of 0: not there.
   */
  readonly statistics: Int32Array = new Int32Array(10);
  /** Bits outside a mask are cleared, as ovs-ofctl does without a word; otherwise such a line is left to the careful road. */
  readonly #clearsHostBits: boolean;

  constructor(cursor: Cursor, clearsHostBits = false) {
    prepareMatchNames();
    prepareMatchSlots();
    this.#cursor = cursor;
    this.#clearsHostBits = clearsHostBits;
  }

  /** Reads from the cursor up to and including `actions=`. False: the careful road has to read this line. */
  scan(): boolean {
    this.#present = 0;
    this.#presentHigh = 0;
    this.#masked = 0;
    this.#maskedHigh = 0;
    if (this.#registersSeen !== 0) this.#registerMasks.fill(0);
    this.#registersSeen = 0;
    this.table = 0;
    this.priority = DEFAULT_PRIORITY;
    this.idleTimeout = 0;
    this.hardTimeout = 0;
    this.flags = 0;
    this.cookieHigh = 0;
    this.cookieLow = 0;
    this.ethType = 0;
    this.ipProto = 0;
    this.vlanPresent = false;
    this.ctInvalid = false;
    let needsEthType = 0;
    let needsIp = false;
    let needsProto = 0;
    let needsL4 = false;
    let needsIcmp = false;
    let attributesSeen = 0;
    if (this.#hasStatistics) this.statistics.fill(0);
    this.#hasStatistics = false;
    let first = true;
    const cursor = this.#cursor;
    const { bytes, view, end } = cursor;
    for (;;) {
      let pos = cursor.pos;
      let c = 0;
      while (pos < end && bytes[pos] === 32) pos++;
      if (pos < end && bytes[pos] === 44 && !first) pos++;
      while (pos < end && bytes[pos] === 32) pos++;
      first = false;
      const start = pos;
      for (; pos < end; pos++) {
        c = bytes[pos] as number;
        if (NAME_CHARACTER[c] === 0) break;
      }
      if (pos === start) return false;
      const id = MATCH_NAMES.find(view, start, pos);
      if (id === 0) {
        // The only other thing that may stand here is `actions=`, which ends the match.
        if (pos - start !== 7 || c !== 61 || !isActions(bytes, start)) return false;
        cursor.pos = pos + 1;
        break;
      }
      const kind = kindOf[id] as number;
      const slot = slotOf[id] as number;
      const ethType = ethTypeOf[id] as number;
      const proto = protoOf[id] as number;
      if (kind === KIND.keyword || kind === KIND.flag) {
        if (pos < end && c !== 44 && c !== 32) return false;
        cursor.pos = pos;
        if (kind === KIND.flag) {
          if ((this.flags & slot) !== 0) return false;
          this.flags |= slot;
          continue;
        }
        if (this.ethType !== 0) return false;
        this.ethType = ethType;
        if (proto !== 0) {
          if (this.ipProto !== 0) return false;
          this.ipProto = proto;
        }
        continue;
      }
      if (pos >= end || c !== 61) return false;
      cursor.pos = pos + 1;
      if (kind >= KIND.cookie) {
        if (kind === KIND.statistic) {
          if (!this.#statistic(slot) || !this.#atDelimiter()) return false;
          continue;
        }
        const bit = kind === KIND.cookie ? 1 << 10 : 1 << slot;
        if ((attributesSeen & bit) !== 0) return false;
        attributesSeen |= bit;
        // A table is decimal, or a name.
        const isTable = kind === KIND.attribute && slot === ATTRIBUTE.table;
        const bits = bitsOf[id] as number;
        if (!(isTable ? cursor.decimal(bits) : cursor.number(bits))) return false;
        const value = cursor.word3;
        if (kind === KIND.cookie) {
          this.cookieHigh = cursor.word2 >>> 0;
          this.cookieLow = value >>> 0;
        } else if (slot === ATTRIBUTE.table) {
          if (value > 254) return false;
          this.table = value;
        } else if (slot === ATTRIBUTE.priority) this.priority = value;
        else if (slot === ATTRIBUTE.idleTimeout) this.idleTimeout = value;
        else this.hardTimeout = value;
        if (!this.#atDelimiter()) return false;
        continue;
      }
      if (ethType !== 0) {
        if (ethType === IP_ANY) needsIp = true;
        else if (needsEthType !== 0 && needsEthType !== ethType) return false;
        else needsEthType = ethType;
      }
      if (proto === L4_ANY) needsL4 = true;
      else if (proto === ICMP_ANY) needsIcmp = true;
      else if (proto !== 0) {
        if (needsProto !== 0 && needsProto !== proto) return false;
        needsProto = proto;
      }
      if (kind === KIND.register ? !this.#register(id, slot) : !this.#field(id, kind, slot)) return false;
      if (!this.#atDelimiter()) return false;
    }
    // A field that came as `dl_type=` or `nw_proto=` counts like the keyword.
    if ((this.#present & (1 << ETH_TYPE)) !== 0) {
      if (this.ethType !== 0) return false;
      this.ethType = this.#values[4 * ETH_TYPE + 3] as number;
      if (this.ethType < 0x600) return false;
    }
    if ((this.#present & (1 << IP_PROTO)) !== 0) {
      if (this.ipProto !== 0) return false;
      this.ipProto = this.#values[4 * IP_PROTO + 3] as number;
      if (this.ipProto === 0) return false;
    }
    const isIp = this.ethType === IPV4 || this.ethType === IPV6;
    if (needsIp && !isIp) return false;
    if (needsEthType !== 0 && needsEthType !== this.ethType) return false;
    const proto = this.ipProto;
    if (needsProto !== 0 && needsProto !== proto) return false;
    if (needsL4 && proto !== 6 && proto !== 17 && proto !== 132) return false;
    if (needsIcmp && proto !== (this.ethType === IPV4 ? 1 : 58)) return false;
    if (!this.#neighbourDiscovery()) return false;
    this.#write();
    return true;
  }

  /** The IPv6 neighbour discovery fields need a solicitation (135) or an advertisement (136) with code 0. */
  #neighbourDiscovery(): boolean {
    const present = this.#present;
    if ((present & ((1 << ND_TARGET) | (1 << ND_SLL) | (1 << ND_TLL))) === 0) return true;
    if ((present & (1 << ICMP_TYPE)) === 0) return false;
    const type = this.#values[4 * ICMP_TYPE + 3] as number;
    if (type !== 135 && type !== 136) return false;
    if ((present & (1 << ICMP_CODE)) !== 0 && this.#values[4 * ICMP_CODE + 3] !== 0) return false;
    return ((present & (1 << ND_SLL)) === 0 || type === 135) && ((present & (1 << ND_TLL)) === 0 || type === 136);
  }

  /** Passes over a count of up to 20 digits, or over `seconds[.nanoseconds]s`. */
  #statistic(slot: number): boolean {
    const cursor = this.#cursor;
    const { bytes, end } = cursor;
    const start = cursor.pos;
    let pos = start;
    while (pos < end && isDigit(bytes[pos] as number)) pos++;
    if (pos === start || pos - start > (slot === DURATION ? 10 : 20) || this.statistics[2 * slot + 1] !== 0) return false;
    if (slot === DURATION) {
      if (pos < end && bytes[pos] === 46) {
        const point = pos++;
        while (pos < end && isDigit(bytes[pos] as number)) pos++;
        if (pos === point + 1 || pos - point > 10) return false;
      }
      if (pos >= end || bytes[pos] !== 115) return false;
      pos++;
    }
    this.statistics[2 * slot] = start;
    this.statistics[2 * slot + 1] = pos;
    this.#hasStatistics = true;
    cursor.pos = pos;
    return true;
  }

  #atDelimiter(): boolean {
    const { bytes, pos, end } = this.#cursor;
    return pos >= end || bytes[pos] === 44 || bytes[pos] === 32;
  }

  /** Is the slot free? Takes it. */
  #claim(slot: number): boolean {
    if (slot < 32) {
      const bit = 1 << slot;
      if ((this.#present & bit) !== 0) return false;
      this.#present |= bit;
    } else {
      const bit = 1 << (slot - 32);
      if ((this.#presentHigh & bit) !== 0) return false;
      this.#presentHigh |= bit;
    }
    return true;
  }

  /** Stores words as the value of `slot`. */
  #put(slot: number, target: Int32Array, word0: number, word1: number, word2: number, word3: number): void {
    const at = 4 * slot;
    target[at] = word0;
    target[at + 1] = word1;
    target[at + 2] = word2;
    target[at + 3] = word3;
  }

  #setMasked(slot: number): void {
    if (slot < 32) this.#masked |= 1 << slot;
    else this.#maskedHigh |= 1 << (slot - 32);
  }

  #field(id: number, kind: number, slot: number): boolean {
    const cursor = this.#cursor;
    if (!this.#claim(slot)) return false;
    const bits = bitsOf[id] as number;
    switch (kind) {
      case KIND.number:
        if (!cursor.number(bits)) return false;
        break;
      case KIND.mac:
        if (!cursor.mac()) return false;
        break;
      case KIND.ipv4:
        if (!cursor.ipv4()) return false;
        break;
      case KIND.ipv6:
        if (!cursor.ipv6()) return false;
        break;
      case KIND.ctState:
        return this.#ctState();
      case KIND.port:
        if (cursor.take(LOCAL)) {
          this.#put(slot, this.#values, 0, 0, 0, 0xfffffffe | 0);
          return true;
        }
        if (!cursor.decimal(16) || cursor.word3 >= 0xff00) return false;
        break;
      case KIND.vlan:
        if (!cursor.number(12)) return false;
        this.vlanPresent = true;
        this.#put(slot, this.#values, 0, 0, 0, cursor.word3 | 0x1000);
        return true;
      case KIND.vlanTci:
        this.vlanPresent = cursor.take(ANY_VLAN);
        if (!this.vlanPresent && !cursor.take(NO_VLAN)) return false;
        this.#put(slot, this.#values, 0, 0, 0, this.vlanPresent ? 0x1000 : 0);
        this.#put(slot, this.#masks, 0, 0, 0, 0x1000);
        this.#setMasked(slot);
        return true;
      case KIND.tos:
        if (!cursor.number(8) || (cursor.word3 & 3) !== 0) return false;
        this.#put(slot, this.#values, 0, 0, 0, cursor.word3 >>> 2);
        return true;
      case KIND.frag:
        if (!cursor.take(NOT_LATER)) return false;
        this.#put(slot, this.#values, 0, 0, 0, 0);
        this.#put(slot, this.#masks, 0, 0, 0, 2);
        this.#setMasked(slot);
        return true;
      default:
        return false;
    }
    const { word0, word1, word2, word3 } = cursor;
    this.#put(slot, this.#values, word0, word1, word2, word3);
    if (cursor.pos >= cursor.end || cursor.bytes[cursor.pos] !== 47) return true;
    if (maskableOf[id] === 0 || !this.#mask(kind, bits)) return false;
    return this.#applyMask(slot, bits, word0, word1, word2, word3);
  }

  /** Reads `/mask` or `/prefix` into the cursor's words. */
  #mask(kind: number, bits: number): boolean {
    const cursor = this.#cursor;
    cursor.pos++;
    if (kind === KIND.mac) return cursor.mac();
    if (kind === KIND.number || kind === KIND.register) return cursor.number(bits);
    const { bytes, end } = cursor;
    let pos = cursor.pos;
    let dotted = false;
    for (; pos < end; pos++) {
      const c = bytes[pos] as number;
      if (c === 44 || c === 32) break;
      if (c === 46 || c === 58) dotted = true;
    }
    if (dotted) return kind === KIND.ipv4 ? cursor.ipv4() : cursor.ipv6();
    if (!cursor.decimal(8) || cursor.word3 > bits || cursor.word3 < 1) return false;
    const prefix = cursor.word3;
    if (bits === 32) {
      cursor.word3 = -1 << (32 - prefix);
      return true;
    }
    cursor.word0 = prefixWord(prefix);
    cursor.word1 = prefixWord(prefix - 32);
    cursor.word2 = prefixWord(prefix - 64);
    cursor.word3 = prefixWord(prefix - 96);
    return true;
  }

  /** Stores the mask in the cursor's words for `slot`, whose value is given. All ones: none; zero, or bits outside: not here. */
  #applyMask(slot: number, bits: number, word0: number, word1: number, word2: number, word3: number): boolean {
    const { word0: m0, word1: m1, word2: m2, word3: m3 } = this.#cursor;
    if ((m0 | m1 | m2 | m3) === 0) return false;
    if (((word0 & ~m0) | (word1 & ~m1) | (word2 & ~m2) | (word3 & ~m3)) !== 0) {
      if (!this.#clearsHostBits) return false;
      this.#put(slot, this.#values, word0 & m0, word1 & m1, word2 & m2, word3 & m3);
    }
    const exact =
      bits >= 128
        ? (m0 & m1 & m2 & m3) === -1
        : bits === 64
          ? (m2 & m3) === -1
          : bits === 48
            ? m2 === 0xffff && m3 === -1
            : bits === 32
              ? m3 === -1
              : m3 === (1 << bits) - 1;
    if (exact) return true;
    this.#put(slot, this.#masks, m0, m1, m2, m3);
    this.#setMasked(slot);
    return true;
  }

  /** `regN`, `xregN`, `xxregN`: `first` is the first of the 32-bit registers that it stands for. */
  #register(id: number, first: number): boolean {
    const cursor = this.#cursor;
    const bits = bitsOf[id] as number;
    const count = bits >> 5;
    const seen = ((1 << count) - 1) << first;
    if ((this.#registersSeen & seen) !== 0) return false;
    this.#registersSeen |= seen;
    if (!cursor.number(bits)) return false;
    const { word0, word1, word2, word3 } = cursor;
    let m0 = -1;
    let m1 = -1;
    let m2 = -1;
    let m3 = -1;
    if (cursor.pos < cursor.end && cursor.bytes[cursor.pos] === 47) {
      if (!this.#mask(KIND.register, bits)) return false;
      m0 = cursor.word0;
      m1 = cursor.word1;
      m2 = cursor.word2;
      m3 = cursor.word3;
      if ((m0 | m1 | m2 | m3) === 0) return false;
      if (((word0 & ~m0) | (word1 & ~m1) | (word2 & ~m2) | (word3 & ~m3)) !== 0 && !this.#clearsHostBits) return false;
    }
    const values = this.#registers;
    const masks = this.#registerMasks;
    if (count === 4) {
      values[first] = word0;
      masks[first] = m0;
      values[first + 1] = word1;
      masks[first + 1] = m1;
    }
    if (count >= 2) {
      values[first + count - 2] = word2;
      masks[first + count - 2] = m2;
    }
    values[first + count - 1] = word3;
    masks[first + count - 1] = m3;
    return true;
  }

  /** `+trk-inv…`, or two numbers `value/mask`. */
  #ctState(): boolean {
    const cursor = this.#cursor;
    const { bytes, end } = cursor;
    let value = 0;
    let mask = 0;
    if (cursor.pos < end && bytes[cursor.pos] === 48) {
      if (!cursor.number(8)) return false;
      value = cursor.word3;
      if (cursor.pos >= end || bytes[cursor.pos] !== 47) return false;
      cursor.pos++;
      if (!cursor.number(8)) return false;
      mask = cursor.word3;
      if ((value & ~mask) !== 0) return false;
    }
    while (cursor.pos < end) {
      const sign = bytes[cursor.pos] as number;
      if (sign !== 43 && sign !== 45) break;
      cursor.pos++;
      let bit = 0;
      for (const [text, flag] of CT_FLAGS) {
        if (cursor.take(text)) {
          bit = flag;
          break;
        }
      }
      if (bit === 0 || (mask & bit) !== 0) return false;
      mask |= bit;
      if (sign === 43) value |= bit;
    }
    if (mask === 0) return false;
    this.ctInvalid = (value & CT_INVALID) !== 0;
    this.#put(CT_STATE, this.#values, 0, 0, 0, value);
    this.#put(CT_STATE, this.#masks, 0, 0, 0, mask);
    this.#setMasked(CT_STATE);
    return true;
  }

  /** Writes the canonical bytes. */
  #write(): void {
    const view = this.#view;
    const values = this.#values;
    const masks = this.#masks;
    // The keywords' fields are written like those that were spelt out.
    if (this.ethType !== 0) {
      this.#present |= 1 << ETH_TYPE;
      values[4 * ETH_TYPE + 3] = this.ethType;
    }
    if (this.ipProto !== 0) {
      this.#present |= 1 << IP_PROTO;
      values[4 * IP_PROTO + 3] = this.ipProto;
    }
    let out = 0;
    let high = 0;
    for (let present = this.#present, masked = this.#masked; ; present = this.#presentHigh, masked = this.#maskedHigh) {
      while (present !== 0) {
        const bit = 31 - Math.clz32(present & -present);
        present &= present - 1;
        const slot = bit + high;
        const isMasked = (masked >>> bit) & 1;
        let header = HEADER[slot] as number;
        if (slot >= TP_SRC && slot <= ICMP_CODE) header = this.#protocolHeader(slot, header);
        const width = WIDTH[slot] as number;
        view.setInt32(out, isMasked === 0 ? header : header + 0x100 + width);
        out = putWords(view, out + 4, values, 4 * slot, width);
        if (isMasked !== 0) out = putWords(view, out, masks, 4 * slot, width);
      }
      if (high !== 0) break;
      // Slots 29 to 36 are the registers: behind all of the lower word, in front of all of the upper one.
      if (this.#registersSeen !== 0) out = this.#writeRegisters(out);
      high = 32;
    }
    this.length = out;
  }

  /** Transport ports and ICMP: one slot for all protocols, the header tells them apart (type numbers of OpenFlow 1.5.1 §7.2.3.7). */
  #protocolHeader(slot: number, header: number): number {
    if (slot >= ICMP_TYPE) return this.ipProto === 58 ? header + (20 << 8) : header;
    return this.ipProto === 17 ? header + (4 << 8) : this.ipProto === 132 ? header + (8 << 8) : header;
  }

  #writeRegisters(start: number): number {
    const view = this.#view;
    const values = this.#registers;
    const masks = this.#registerMasks;
    let out = start;
    for (let n = 0; n < 16; n += 2) {
      const highMask = masks[n] as number;
      const lowMask = masks[n + 1] as number;
      if ((highMask | lowMask) === 0) continue;
      const exact = (highMask & lowMask) === -1;
      view.setInt32(out, 0x80010000 | (n << 8) | (exact ? 8 : 0x110) | 0);
      view.setInt32(out + 4, (values[n] as number) & highMask);
      view.setInt32(out + 8, (values[n + 1] as number) & lowMask);
      out += 12;
      if (!exact) {
        view.setInt32(out, highMask);
        view.setInt32(out + 4, lowMask);
        out += 8;
      }
    }
    return out;
  }
}

function putWords(view: DataView, out: number, words: Int32Array, at: number, width: number): number {
  const low = words[at + 3] as number;
  switch (width) {
    case 1:
      view.setUint8(out, low);
      return out + 1;
    case 2:
      view.setUint16(out, low);
      return out + 2;
    case 4:
      view.setInt32(out, low);
      return out + 4;
    case 6:
      view.setUint16(out, words[at + 2] as number);
      view.setInt32(out + 2, low);
      return out + 6;
    case 8:
      view.setInt32(out, words[at + 2] as number);
      view.setInt32(out + 4, low);
      return out + 8;
    default:
      view.setInt32(out, words[at] as number);
      view.setInt32(out + 4, words[at + 1] as number);
      view.setInt32(out + 8, words[at + 2] as number);
      view.setInt32(out + 12, low);
      return out + 16;
  }
}

function prefixWord(prefix: number): number {
  return prefix >= 32 ? -1 : prefix <= 0 ? 0 : -1 << (32 - prefix);
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

/** Do seven letters at `start` say `actions`? */
function isActions(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 97 &&
    bytes[at + 1] === 99 &&
    bytes[at + 2] === 116 &&
    bytes[at + 3] === 105 &&
    bytes[at + 4] === 111 &&
    bytes[at + 5] === 110 &&
    bytes[at + 6] === 115
  );
}
