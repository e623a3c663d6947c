// The match half of scan-core.ts, by the rules of match-scanner.ts.
import {
  clearWords,
  decimal,
  findName,
  get,
  getAt,
  getByte,
  here,
  ipv4,
  ipv6,
  isDigit,
  isNameCharacter,
  mac,
  number,
  put32,
  putWords,
  set,
} from "./scan-core-base.ts";
import {
  CLEARS_HOST_BITS,
  COOKIE_HIGH,
  COOKIE_LOW,
  CT_INVALID,
  END,
  ETH_TYPE,
  FLAGS,
  HEADERS,
  IP_PROTO,
  MASKED,
  MASKED_HIGH,
  MASKS,
  MATCH_NAME_SLOTS,
  MATCH_NAMES,
  NAME_MEANING,
  POS,
  PRESENT,
  PRESENT_HIGH,
  PRIORITY,
  REG_MASKS,
  REGS,
  REGS_SEEN,
  TABLE,
  VALUES,
  VLAN_PRESENT,
  WIDTHS,
  WORD0,
  WORD1,
  WORD2,
  WORD3,
} from "./scan-layout.ts";

// How the value behind a name is read (KIND in match-names.ts).
const KEYWORD = 1;
const NUMBER = 2;
const MAC = 3;
const IPV4 = 4;
const IPV6 = 5;
const REGISTER = 6;
const CT_STATE = 7;
const PORT = 8;
const VLAN = 9;
const TOS = 10;
const VLAN_TCI = 12;
const COOKIE = 13;
const ATTRIBUTE = 14;
const STATISTIC = 15;
const FLAG = 16;

const ETH_TYPE_IPV4 = 0x0800;
const ETH_TYPE_IPV6 = 0x86dd;
const IP_ANY = 1;
const L4_ANY = 256;
const ICMP_ANY = 257;

// Slots of match-slots.ts.
const ETH_TYPE_SLOT = 4;
const IP_PROTO_SLOT = 13;
const TP_SRC_SLOT = 14;
const ICMP_TYPE_SLOT = 16;
const ICMP_CODE_SLOT = 17;
const ND_TARGET_SLOT = 18;
const ND_SLL_SLOT = 19;
const ND_TLL_SLOT = 20;
const CT_STATE_SLOT = 38;

function put(target: number, word0: number, word1: number, word2: number, word3: number): void {
  set(target, word0);
  set(target + 1, word1);
  set(target + 2, word2);
  set(target + 3, word3);
}

function setMasked(slot: number): void {
  if (slot < 32) set(MASKED, get(MASKED) | (1 << slot));
  else set(MASKED_HIGH, get(MASKED_HIGH) | (1 << (slot - 32)));
}

function claim(slot: number): boolean {
  const at = slot < 32 ? PRESENT : PRESENT_HIGH;
  const bit = 1 << (slot & 31);
  if ((get(at) & bit) !== 0) return false;
  set(at, get(at) | bit);
  return true;
}

function prefixWord(prefix: number): number {
  return prefix >= 32 ? -1 : prefix <= 0 ? 0 : -1 << (32 - prefix);
}

/** Reads `/mask` or `/prefix` into the words. */
function readMask(kind: number, bits: number): boolean {
  set(POS, get(POS) + 1);
  if (kind === MAC) return mac();
  if (kind === NUMBER || kind === REGISTER) return number(bits);
  const end = get(END);
  let dotted = false;
  for (let pos = get(POS); pos < end; pos++) {
    const c = getByte(pos);
    if (c === 44 || c === 32) break;
    if (c === 46 || c === 58) dotted = true;
  }
  if (dotted) return kind === IPV4 ? ipv4() : ipv6();
  if (!decimal(8)) return false;
  const prefix = get(WORD3);
  if (prefix > bits || prefix < 1) return false;
  if (bits === 32) {
    set(WORD3, prefixWord(prefix));
    return true;
  }
  set(WORD0, prefixWord(prefix));
  set(WORD1, prefixWord(prefix - 32));
  set(WORD2, prefixWord(prefix - 64));
  set(WORD3, prefixWord(prefix - 96));
  return true;
}

/** Are all `bits` of the words 1? */
export function isAllOnes(bits: number): boolean {
  const m3 = get(WORD3);
  if (bits >= 128) return (get(WORD0) & get(WORD1) & get(WORD2) & m3) === -1;
  if (bits === 64) return (get(WORD2) & m3) === -1;
  if (bits === 48) return get(WORD2) === 0xffff && m3 === -1;
  return bits === 32 ? m3 === -1 : m3 === (1 << bits) - 1;
}

function readField(meaning: number, kind: number, slot: number, bits: number): boolean {
  if (!claim(slot)) return false;
  const value = VALUES + (slot << 2);
  const mask = MASKS + (slot << 2);
  if (kind === NUMBER) {
    if (!number(bits)) return false;
  } else if (kind === MAC) {
    if (!mac()) return false;
  } else if (kind === IPV4) {
    if (!ipv4()) return false;
  } else if (kind === IPV6) {
    if (!ipv6()) return false;
  } else if (kind === CT_STATE) return readCtState();
  else if (kind === PORT) {
    if (!decimal(16) || get(WORD3) >= 0xff00) return false;
  } else if (kind === VLAN) {
    if (!number(12)) return false;
    set(VLAN_PRESENT, 1);
    put(value, 0, 0, 0, get(WORD3) | 0x1000);
    return true;
  } else if (kind === TOS) {
    if (!number(8) || (get(WORD3) & 3) !== 0) return false;
    put(value, 0, 0, 0, get(WORD3) >>> 2);
    return true;
  } else if (kind === VLAN_TCI) {
    // "0x1000/0x1000" or "0x0000/0x1000"
    const pos = get(POS);
    const any = getAt(pos) === 0x30317830;
    if (pos + 13 > get(END) || (!any && getAt(pos) !== 0x30307830)) return false;
    if (getAt(pos + 4) !== 0x302f3030 || getAt(pos + 8) !== 0x30303178 || getByte(pos + 12) !== 48) return false;
    set(POS, pos + 13);
    set(VLAN_PRESENT, any ? 1 : 0);
    put(value, 0, 0, 0, any ? 0x1000 : 0);
    put(mask, 0, 0, 0, 0x1000);
    setMasked(slot);
    return true;
  } else return false;
  const word0 = get(WORD0);
  const word1 = get(WORD1);
  const word2 = get(WORD2);
  const word3 = get(WORD3);
  put(value, word0, word1, word2, word3);
  if (here() !== 47) return true;
  if ((meaning & 0x100_0000) === 0 || !readMask(kind, bits)) return false;
  const m0 = get(WORD0);
  const m1 = get(WORD1);
  const m2 = get(WORD2);
  const m3 = get(WORD3);
  if ((m0 | m1 | m2 | m3) === 0) return false;
  if (((word0 & ~m0) | (word1 & ~m1) | (word2 & ~m2) | (word3 & ~m3)) !== 0) {
    if (get(CLEARS_HOST_BITS) === 0) return false;
    put(value, word0 & m0, word1 & m1, word2 & m2, word3 & m3);
  }
  if (isAllOnes(bits)) return true;
  put(mask, m0, m1, m2, m3);
  setMasked(slot);
  return true;
}

function setRegister(index: number, value: number, mask: number): void {
  set(REGS + index, value);
  set(REG_MASKS + index, mask);
}

function readRegister(first: number, bits: number): boolean {
  const count = bits >> 5;
  const seen = ((1 << count) - 1) << first;
  if ((get(REGS_SEEN) & seen) !== 0) return false;
  if (get(REGS_SEEN) === 0) clearWords(REG_MASKS, 16);
  set(REGS_SEEN, get(REGS_SEEN) | seen);
  if (!number(bits)) return false;
  const word0 = get(WORD0);
  const word1 = get(WORD1);
  const word2 = get(WORD2);
  const word3 = get(WORD3);
  put(WORD0, -1, -1, -1, -1);
  if (here() === 47) {
    if (!readMask(REGISTER, bits)) return false;
    const none = get(WORD0) | get(WORD1) | get(WORD2) | get(WORD3);
    const outside = (word0 & ~get(WORD0)) | (word1 & ~get(WORD1)) | (word2 & ~get(WORD2)) | (word3 & ~get(WORD3));
    if (none === 0 || (outside !== 0 && get(CLEARS_HOST_BITS) === 0)) return false;
  }
  if (count === 4) {
    setRegister(first, word0, get(WORD0));
    setRegister(first + 1, word1, get(WORD1));
  }
  if (count >= 2) setRegister(first + count - 2, word2, get(WORD2));
  setRegister(first + count - 1, word3, get(WORD3));
  return true;
}

/** `+trk-inv…`; numbers are for the other road. */
function readCtState(): boolean {
  const end = get(END);
  let value = 0;
  let mask = 0;
  let pos = get(POS);
  while (pos + 3 < end) {
    const sign = getByte(pos);
    if (sign !== 43 && sign !== 45) break;
    const name = getAt(pos) >>> 8;
    const bit =
      name === 0x77656e
        ? 1
        : name === 0x747365
          ? 2
          : name === 0x6c6572
            ? 4
            : name === 0x6c7072
              ? 8
              : name === 0x766e69
                ? 16
                : name === 0x6b7274
                  ? 32
                  : 0;
    if (bit === 0 || (mask & bit) !== 0) return false;
    mask |= bit;
    if (sign === 43) value |= bit;
    pos += 4;
  }
  if (mask === 0) return false;
  set(POS, pos);
  set(CT_INVALID, (value & 16) !== 0 ? 1 : 0);
  put(VALUES + (CT_STATE_SLOT << 2), 0, 0, 0, value);
  put(MASKS + (CT_STATE_SLOT << 2), 0, 0, 0, mask);
  setMasked(CT_STATE_SLOT);
  return true;
}

function atDelimiter(): boolean {
  const c = here();
  return c === 0 || c === 44 || c === 32;
}

/** Passes over a count of up to 20 digits, or over `seconds[.nanoseconds]s`. */
function passStatistic(slot: number): boolean {
  const end = get(END);
  const start = get(POS);
  let pos = start;
  while (pos < end && isDigit(getByte(pos))) pos++;
  if (pos === start || pos - start > (slot === 0 ? 10 : 20)) return false;
  if (slot === 0) {
    if (pos < end && getByte(pos) === 46) {
      const point = pos;
      pos++;
      while (pos < end && isDigit(getByte(pos))) pos++;
      if (pos === point + 1 || pos - point > 10) return false;
    }
    if (pos >= end || getByte(pos) !== 115) return false;
    pos++;
  }
  set(POS, pos);
  return true;
}

function readAttribute(kind: number, slot: number, bits: number): boolean {
  if (kind === ATTRIBUTE && slot === 0 ? !decimal(bits) : !number(bits)) return false;
  const value = get(WORD3);
  if (kind === COOKIE) {
    set(COOKIE_HIGH, get(WORD2));
    set(COOKIE_LOW, value);
  } else {
    if (slot === 0 && value > 254) return false;
    // Table, priority and the timeouts stand one behind the other.
    set(TABLE + slot, value);
  }
  return true;
}

/** The neighbour discovery fields need a solicitation (135) or an advertisement (136) with code 0. */
function isDiscoveryRight(): boolean {
  const present = get(PRESENT);
  if ((present & ((1 << ND_TARGET_SLOT) | (1 << ND_SLL_SLOT) | (1 << ND_TLL_SLOT))) === 0) return true;
  if ((present & (1 << ICMP_TYPE_SLOT)) === 0) return false;
  const type = get(VALUES + (ICMP_TYPE_SLOT << 2) + 3);
  if (type !== 135 && type !== 136) return false;
  if ((present & (1 << ICMP_CODE_SLOT)) !== 0 && get(VALUES + (ICMP_CODE_SLOT << 2) + 3) !== 0) return false;
  return ((present & (1 << ND_SLL_SLOT)) === 0 || type === 135) && ((present & (1 << ND_TLL_SLOT)) === 0 || type === 136);
}

/** Reads from the cursor up to and including `actions=`. */
export function readMatch(): boolean {
  const end = get(END);
  let needsEthType = 0;
  let needsIp = false;
  let needsProto = 0;
  let needsL4 = false;
  let needsIcmp = false;
  let seen = 0;
  let first = true;
  // All that the last line has said, up to the cookie.
  clearWords(PRESENT, COOKIE_LOW + 1 - PRESENT);
  set(PRIORITY, 0x8000);
  while (true) {
    let pos = get(POS);
    while (pos < end && getByte(pos) === 32) pos++;
    if (pos < end && getByte(pos) === 44 && !first) pos++;
    while (pos < end && getByte(pos) === 32) pos++;
    first = false;
    const start = pos;
    while (pos < end && isNameCharacter(getByte(pos))) pos++;
    if (pos === start || pos >= end) return false;
    const c = getByte(pos);
    const name = findName(MATCH_NAMES, MATCH_NAME_SLOTS - 1, start, pos - start);
    if (name === 0) {
      // "actions=": what else there may be is for the other road.
      if (pos - start !== 7 || c !== 61 || getAt(start) !== 0x69746361 || getAt(start + 3) !== 0x736e6f69) return false;
      set(POS, pos + 1);
      break;
    }
    const meaning = get(name + NAME_MEANING);
    const kind = meaning & 0xff;
    const slot = (meaning >>> 8) & 0xff;
    const bits = (meaning >>> 16) & 0xff;
    const ethType = get(name + NAME_MEANING + 1);
    const proto = get(name + NAME_MEANING + 2);
    set(POS, pos);
    if (kind === KEYWORD || kind === FLAG) {
      if (c !== 44 && c !== 32) return false;
      if (kind === FLAG) {
        if ((get(FLAGS) & slot) !== 0) return false;
        set(FLAGS, get(FLAGS) | slot);
      } else {
        if (get(ETH_TYPE) !== 0) return false;
        set(ETH_TYPE, ethType);
        if (proto !== 0) {
          if (get(IP_PROTO) !== 0) return false;
          set(IP_PROTO, proto);
        }
      }
      continue;
    }
    if (c !== 61) return false;
    set(POS, pos + 1);
    if (kind >= COOKIE) {
      const bit = kind === STATISTIC ? 1 << (16 + slot) : kind === COOKIE ? 1 << 10 : 1 << slot;
      if ((seen & bit) !== 0) return false;
      seen |= bit;
      if (kind === STATISTIC ? !passStatistic(slot) : !readAttribute(kind, slot, bits)) return false;
    } else {
      if (ethType === IP_ANY) needsIp = true;
      else if (ethType !== 0) {
        if (needsEthType !== 0 && needsEthType !== ethType) return false;
        needsEthType = ethType;
      }
      if (proto === L4_ANY) needsL4 = true;
      else if (proto === ICMP_ANY) needsIcmp = true;
      else if (proto !== 0) {
        if (needsProto !== 0 && needsProto !== proto) return false;
        needsProto = proto;
      }
      if (kind === REGISTER ? !readRegister(slot, bits) : !readField(meaning, kind, slot, bits)) return false;
    }
    if (!atDelimiter()) return false;
  }
  const present = get(PRESENT);
  if ((present & (1 << ETH_TYPE_SLOT)) !== 0) {
    if (get(ETH_TYPE) !== 0) return false;
    set(ETH_TYPE, get(VALUES + (ETH_TYPE_SLOT << 2) + 3));
    if (get(ETH_TYPE) < 0x600) return false;
  }
  if ((present & (1 << IP_PROTO_SLOT)) !== 0) {
    if (get(IP_PROTO) !== 0) return false;
    set(IP_PROTO, get(VALUES + (IP_PROTO_SLOT << 2) + 3));
    if (get(IP_PROTO) === 0) return false;
  }
  const ethType = get(ETH_TYPE);
  const proto = get(IP_PROTO);
  if (needsIp && ethType !== ETH_TYPE_IPV4 && ethType !== ETH_TYPE_IPV6) return false;
  if (needsEthType !== 0 && needsEthType !== ethType) return false;
  if (needsProto !== 0 && needsProto !== proto) return false;
  if (needsL4 && proto !== 6 && proto !== 17 && proto !== 132) return false;
  if (needsIcmp && proto !== (ethType === ETH_TYPE_IPV4 ? 1 : 58)) return false;
  return isDiscoveryRight();
}

function writeRegisters(start: number): number {
  let out = start;
  for (let n = 0; n < 16; n += 2) {
    const highMask = get(REG_MASKS + n);
    const lowMask = get(REG_MASKS + n + 1);
    if ((highMask | lowMask) === 0) continue;
    const exact = (highMask & lowMask) === -1;
    put32(out, -2147418112 | (n << 8) | (exact ? 8 : 0x110));
    put32(out + 4, get(REGS + n) & highMask);
    put32(out + 8, get(REGS + n + 1) & lowMask);
    out += 12;
    if (!exact) {
      put32(out, highMask);
      put32(out + 4, lowMask);
      out += 8;
    }
  }
  return out;
}

/** Writes the fields of slots `from … from + 31` that are present. */
function writeFields(start: number, present: number, masked: number, from: number): number {
  let out = start;
  for (let bit = 0; present >>> bit !== 0 && bit < 32; bit++) {
    if (((present >>> bit) & 1) === 0) continue;
    const slot = from + bit;
    const isMasked = (masked >>> bit) & 1;
    const width = get(WIDTHS + slot);
    let header = get(HEADERS + slot);
    if (slot >= TP_SRC_SLOT && slot <= ICMP_CODE_SLOT) {
      const proto = get(IP_PROTO);
      if (slot >= ICMP_TYPE_SLOT) header += proto === 58 ? 20 << 8 : 0;
      else header += proto === 17 ? 4 << 8 : proto === 132 ? 8 << 8 : 0;
    }
    put32(out, isMasked === 0 ? header : header + 0x100 + width);
    out = putWords(out + 4, VALUES + (slot << 2), width);
    if (isMasked !== 0) out = putWords(out, MASKS + (slot << 2), width);
  }
  return out;
}

/** Writes the canonical match; returns where it ends. */
export function writeMatch(start: number): number {
  if (get(ETH_TYPE) !== 0) {
    set(PRESENT, get(PRESENT) | (1 << ETH_TYPE_SLOT));
    set(VALUES + (ETH_TYPE_SLOT << 2) + 3, get(ETH_TYPE));
  }
  if (get(IP_PROTO) !== 0) {
    set(PRESENT, get(PRESENT) | (1 << IP_PROTO_SLOT));
    set(VALUES + (IP_PROTO_SLOT << 2) + 3, get(IP_PROTO));
  }
  let out = writeFields(start, get(PRESENT), get(MASKED), 0);
  // The registers are behind all slots of the lower word, in front of all of the upper one.
  if (get(REGS_SEEN) !== 0) out = writeRegisters(out);
  return writeFields(out, get(PRESENT_HIGH), get(MASKED_HIGH), 32);
}
