// The usual lines of a dump, for WebAssembly: test/core-compiler compiles this file, scan-core-match.ts and scan-core-base.ts into
// scan-core-code.ts (`npm run core:update`), and says what they may contain. It reads whole lines of text into packed flows, by the
// rules of match-scanner.ts, action-scanner.ts and nat-template.ts, and leaves to these what it does not know. Where everything is in its
// memory, scan-layout.ts says.
import {
  decimal,
  findName,
  get,
  getAt,
  getByte,
  here,
  ipv4,
  isBlank,
  isDigit,
  isNameCharacter,
  mac,
  number,
  put16,
  put32,
  putAt,
  putByte,
  putWords,
  set,
} from "./scan-core-base.ts";
import { isAllOnes, readMatch, writeMatch } from "./scan-core-match.ts";
import {
  ACTION_NAME_SLOTS,
  ACTION_NAMES,
  CONJUNCTION,
  COOKIE_HIGH,
  COOKIE_LOW,
  CT_INVALID,
  DONE,
  DROP,
  END,
  ETH_TYPE,
  FLAGS,
  FLOW_COOKIE,
  FLOW_COOKIE_HIGH,
  FLOW_COUNT,
  FLOW_DATA,
  FLOW_EXTRA,
  FLOW_ID,
  FLOW_LENGTHS,
  FLOW_ROOM,
  FLOW_TIMEOUTS,
  FLOWS_END,
  FULL,
  HARD_TIMEOUT,
  IDLE_TIMEOUT,
  IP_PROTO,
  LINE,
  LONGEST_RUN,
  MEMO,
  MEMO_SLOT_WORDS,
  MEMO_SLOTS,
  MISSING,
  MISSING_CONTEXT,
  MISSING_END,
  MISSING_START,
  NAME_MEANING,
  NAT_ADDRESS,
  NAT_PORT,
  NEXT_FLOW,
  ODD,
  OUTPUT,
  POS,
  PRIORITY,
  REMEMBERED,
  RESUBMIT,
  SET_FIELD,
  TABLE,
  TARGET_NAME_SLOTS,
  TARGET_NAMES,
  TEMPLATE,
  TEMPLATE_BYTES,
  TEMPLATE_LENGTH,
  VLAN_PRESENT,
  WORD0,
  WORD1,
  WORD2,
  WORD3,
} from "./scan-layout.ts";

// ---- actions (as in action-scanner.ts): each writes at `out` and returns where it ends, 0 = the line is odd, -1 = MISSING

function writeOutput(out: number): number {
  if (!decimal(16)) return 0;
  const port = get(WORD3);
  if (port === 0 || port >= 0xff00) return 0;
  put32(out, 0x10);
  put32(out + 4, port);
  put32(out + 8, 0);
  put32(out + 12, 0);
  return out + 16;
}

function writeResubmit(out: number): number {
  const pos = get(POS);
  if (pos + 2 >= get(END) || getByte(pos) !== 40 || getByte(pos + 1) !== 44) return 0;
  set(POS, pos + 2);
  if (!decimal(8) || get(WORD3) === 255 || here() !== 41) return 0;
  set(POS, get(POS) + 1);
  put32(out, -65520);
  put32(out + 4, 0x2320);
  put32(out + 8, 0x000e_fff8);
  put32(out + 12, get(WORD3) << 24);
  return out + 16;
}

function writeConjunction(out: number): number {
  if (here() !== 40) return 0;
  set(POS, get(POS) + 1);
  if (!decimal(32) || here() !== 44) return 0;
  const id = get(WORD3);
  set(POS, get(POS) + 1);
  if (!decimal(8) || here() !== 47) return 0;
  const clause = get(WORD3);
  set(POS, get(POS) + 1);
  if (!decimal(8) || here() !== 41) return 0;
  const clauses = get(WORD3);
  set(POS, get(POS) + 1);
  if (clauses < 2 || clauses > 64 || clause < 1 || clause > clauses) return 0;
  put32(out, -65520);
  put32(out + 4, 0x2320);
  put32(out + 8, (0x0022 << 16) | ((clause - 1) << 8) | clauses);
  put32(out + 12, id);
  return out + 16;
}

function readTarget(format: number, bits: number): boolean {
  return format === 1 ? mac() : format === 2 ? ipv4() : number(bits);
}

/** `VALUE[/MASK]->FIELD`; 0: it is not as simple as that. */
function writeSetField(out: number): number {
  const end = get(END);
  let pos = get(POS);
  while (pos + 1 < end && getByte(pos) !== 62 && getByte(pos) !== 44) pos++;
  if (pos >= end || getByte(pos) !== 62 || getByte(pos - 1) !== 45) return 0;
  pos++;
  const nameStart = pos;
  while (pos < end && getByte(pos) !== 44) pos++;
  const target = findName(TARGET_NAMES, TARGET_NAME_SLOTS - 1, nameStart, pos - nameStart);
  if (target === 0) return 0;
  const format = get(target + NAME_MEANING) & 0xff;
  const bits = (get(target + NAME_MEANING) >>> 8) & 0xff;
  const ethType = get(target + NAME_MEANING + 1);
  const header = get(target + NAME_MEANING + 2);
  if (ethType !== 0 && ethType !== get(ETH_TYPE)) return 0;
  if (!readTarget(format, bits)) return 0;
  const width = bits >> 3;
  let at = putWords(out + 8, WORD0, width);
  let masked = false;
  if (here() === 47) {
    const word0 = get(WORD0);
    const word1 = get(WORD1);
    const word2 = get(WORD2);
    const word3 = get(WORD3);
    set(POS, get(POS) + 1);
    if (!readTarget(format, bits)) return 0;
    const none = get(WORD0) | get(WORD1) | get(WORD2) | get(WORD3);
    const outside = (word0 & ~get(WORD0)) | (word1 & ~get(WORD1)) | (word2 & ~get(WORD2)) | (word3 & ~get(WORD3));
    if (none === 0 || outside !== 0 || isAllOnes(bits)) return 0;
    masked = true;
    at = putWords(at, WORD0, width);
  }
  // The arrow ends where the name begins.
  if (get(POS) + 2 !== nameStart || getByte(get(POS)) !== 45) return 0;
  while (((at - out) & 7) !== 0) {
    putByte(at, 0);
    at++;
  }
  put32(out, (25 << 16) | (at - out));
  put32(out + 4, masked ? (header & -256) | 0x100 | (width << 1) : header);
  set(POS, pos);
  return at;
}

/** Is the text at `at` this one of eight characters? */
function isNat(at: number, limit: number): boolean {
  return at + 4 <= limit && getAt(at) === 0x2874616e;
}

/**
 * Copies `ct(…,nat(dst=10.68.0.29:8001),…)` to the TEMPLATE with stand-ins for address and port (as in nat-template.ts). False: it is no
 * such action.
 */
function makeTemplate(start: number, limit: number): boolean {
  if (limit - start > TEMPLATE_BYTES - 16 || limit - start < 3) return false;
  if ((getAt(start) & 0xff_ffff) !== 0x287463) return false;
  let nat = start + 3;
  while (nat < limit && !isNat(nat, limit)) nat++;
  // "nat(src=" or "nat(dst="
  const from = nat + 8;
  if (nat >= limit || from >= limit || getByte(from - 1) !== 61) return false;
  for (let at = from; at < limit; at++) if (isNat(at, limit)) return false;
  set(POS, from);
  if (!ipv4() || get(WORD3) === 0) return false;
  const address = get(WORD3);
  let port = 0;
  if (here() === 58) {
    set(POS, get(POS) + 1);
    if (!decimal(16) || get(WORD3) === 0) return false;
    port = get(WORD3);
  }
  const behind = get(POS);
  if (behind >= limit || getByte(behind) !== 41) return false;
  set(NAT_ADDRESS, address);
  set(NAT_PORT, port);
  let to = TEMPLATE << 2;
  for (let at = start; at < from; at++) {
    putByte(to, getByte(at));
    to++;
  }
  // 1.1.1.1
  putAt(to, 0x2e312e31);
  putAt(to + 4, 0x312e31);
  to += 7;
  if (port !== 0) {
    put16(to, 0x3a31);
    to += 2;
  }
  for (let at = behind; at < limit; at++) {
    putByte(to, getByte(at));
    to++;
  }
  set(TEMPLATE_LENGTH, to - (TEMPLATE << 2));
  return true;
}

/** Writes the real address and port into the action at `at`. */
function patch(at: number, end: number): boolean {
  let inner = at + 24;
  while (inner + 24 <= end) {
    const length = (getByte(inner + 2) << 8) | getByte(inner + 3);
    // Nicira's action 36.
    if ((getAt(inner) & 0xffff) === 0xffff && getAt(inner + 4) === 0x20230000 && (getAt(inner + 8) & 0xffff) === 0x2400) {
      const port = get(NAT_PORT);
      if (getByte(inner + 14) !== 0 || getByte(inner + 15) !== (port === 0 ? 1 : 17)) return false;
      put32(inner + 16, get(NAT_ADDRESS));
      if (port !== 0) put16(inner + 20, port);
      return true;
    }
    if (length < 8) return false;
    inner += length;
  }
  return false;
}

/** Writes what the memo has for a text; returns where it ends, -1 = nothing. */
function recall(start: number, size: number, out: number): number {
  const context = get(ETH_TYPE) | (get(IP_PROTO) << 16) | (get(VLAN_PRESENT) << 24) | (get(CT_INVALID) << 25);
  let hash = context;
  for (let i = 0; i < size; i++) hash = Math.imul(hash ^ getByte(start + i), 0x01000193);
  hash = hash ^ (hash >>> 15);
  let slot = hash & (MEMO_SLOTS - 1);
  // Chance makes no longer runs; a text written to make them is for the other road.
  for (let steps = 0; ; steps++) {
    if (steps === LONGEST_RUN) return 0;
    const at = MEMO + Math.imul(slot, MEMO_SLOT_WORDS);
    const sizes = get(at + 3);
    if (sizes === 0) break;
    if (get(at) === hash && get(at + 1) === context && sizes >>> 16 === size) {
      const text = get(at + 2);
      let i = 0;
      while (i < size && getByte(text + i) === getByte(start + i)) i++;
      if (i === size) {
        const length = sizes & 0xffff;
        // Whole words, which the results and what is written are made of.
        for (let j = 0; j < length; j += 4) putAt(out + j, getAt(text + size + j));
        return out + length;
      }
    }
    slot = (slot + 1) & (MEMO_SLOTS - 1);
  }
  set(MISSING_START, start);
  set(MISSING_END, start + size);
  set(MISSING_CONTEXT, context);
  return -1;
}

/** The action from `start` to the next comma outside parentheses. */
function writeRemembered(start: number, out: number): number {
  const end = get(END);
  let depth = 0;
  let pos = start;
  while (pos < end) {
    const c = getByte(pos);
    if (c === 40) depth++;
    else if (c === 41) depth--;
    else if (c === 44 && depth === 0) break;
    else if (c >= 127) return 0;
    pos++;
  }
  if (depth !== 0 || pos - start > 1024) return 0;
  let at = 0;
  if (makeTemplate(start, pos)) {
    at = recall(TEMPLATE << 2, get(TEMPLATE_LENGTH), out);
    if (at >= 0 && !patch(out, at)) return 0;
  } else at = recall(start, pos - start, out);
  set(POS, pos);
  return at;
}

/** Reads from the cursor to the end of the line. */
function writeActions(start: number): number {
  const end = get(END);
  let out = start + 8;
  let conjunctions = 0;
  let others = 0;
  while (true) {
    const begin = get(POS);
    if (out - start > 32768) return 0;
    let pos = begin;
    while (pos < end && isNameCharacter(getByte(pos))) pos++;
    if (pos === begin) return 0;
    const name = findName(ACTION_NAMES, ACTION_NAME_SLOTS - 1, begin, pos - begin);
    const meaning = name === 0 ? 0 : get(name + NAME_MEANING);
    set(POS, pos);
    if (meaning === DROP) return out === start + 8 && pos === end ? start : 0;
    if (meaning === CONJUNCTION) {
      out = writeConjunction(out);
      conjunctions++;
    } else {
      others++;
      if (meaning === RESUBMIT) out = writeResubmit(out);
      else if (meaning === SET_FIELD) {
        if (here() !== 58) return 0;
        set(POS, pos + 1);
        const at = writeSetField(out);
        out = at === 0 ? writeRemembered(begin, out) : at;
      } else if (meaning === OUTPUT && here() === 58 && pos + 1 < end && isDigit(getByte(pos + 1))) {
        set(POS, pos + 1);
        out = writeOutput(out);
      } else if (meaning === OUTPUT || meaning === REMEMBERED) out = writeRemembered(begin, out);
      else {
        // A port by its number.
        if (!isDigit(getByte(begin))) return 0;
        set(POS, begin);
        out = writeOutput(out);
      }
    }
    if (out <= 0) return out;
    if (get(POS) === end) break;
    if (here() !== 44) return 0;
    set(POS, get(POS) + 1);
  }
  if (conjunctions > 0 && others > 0) return 0;
  put32(start, (4 << 16) | (out - start));
  put32(start + 4, 0);
  return out;
}

/** Reads the line between POS and END into the flow at word `flow`. */
function readLine(flow: number): number {
  if (!readMatch()) return ODD;
  const data = (flow + FLOW_DATA) << 2;
  let out = writeMatch(data);
  const matchBytes = out - data;
  putAt(out, 0);
  out = (out + 3) & -4;
  const end = writeActions(out);
  if (end <= 0) return end === 0 ? ODD : MISSING;
  putAt(end, 0);
  set(flow + FLOW_ID, (get(TABLE) << 16) | get(PRIORITY));
  set(flow + FLOW_LENGTHS, ((end - out) << 16) | matchBytes);
  set(flow + FLOW_COOKIE, get(COOKIE_LOW));
  set(flow + FLOW_COOKIE_HIGH, get(COOKIE_HIGH));
  set(flow + FLOW_TIMEOUTS, (get(IDLE_TIMEOUT) << 16) | get(HARD_TIMEOUT));
  set(flow + FLOW_EXTRA, get(FLAGS));
  set(NEXT_FLOW, (end + 3) >>> 2);
  return DONE;
}

/** Reads the lines in the bytes `from … to`, each of which ends, and appends flows from NEXT_FLOW on until one of them cannot be read. */
export function scan(from: number, to: number): number {
  let line = from;
  while (line < to) {
    set(LINE, line);
    if (get(NEXT_FLOW) > FLOWS_END - FLOW_ROOM) return FULL;
    let next = line;
    while (getByte(next) !== 10) next++;
    let end = next;
    while (end > line && isBlank(getByte(end - 1))) end--;
    set(POS, line);
    set(END, end);
    const result = readLine(get(NEXT_FLOW));
    if (result !== DONE) return result;
    set(FLOW_COUNT, get(FLOW_COUNT) + 1);
    line = next + 1;
  }
  set(LINE, to);
  return DONE;
}
