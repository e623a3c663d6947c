import { CLASS_ALLOW, CLASS_CONJUNCTION, CLASS_DROP } from "./layout.ts";

/** `OFPIT_APPLY_ACTIONS`, OpenFlow 1.5.1 §5.5. */
export const APPLY_ACTIONS = 4;
export const GOTO_TABLE = 1;
export const OUTPUT = 0;
export const SET_FIELD = 25;
/** `OFPP_CONTROLLER`, the one port to which an output has a length to send. */
const CONTROLLER_PORT = [0xff, 0xff, 0xff, 0xfd] as const;
export const EXPERIMENTER = 0xffff;
export const NICIRA = 0x2320;
/** Nicira action subtypes, as in Open vSwitch's ofp-actions. */
export const NXAST_RESUBMIT_TABLE = 14;
export const NXAST_CONJUNCTION = 34;
export const NXAST_CT = 35;
/** A ct action without actions inside. */
export const CT_BYTES = 24;

/**
 * Do these instructions certainly have one encoding only? True for what fills most tables (goto_table, output, resubmit, whole
 * fields set, plain ct, conjunction, or nothing); `false` means only that the question has to be asked in earnest
 * (`flow/meaning.ts`, whose answer for what is plain is the bytes themselves).
 */
export function isPlain(bytes: Uint8Array, start: number, length: number): boolean {
  let at = start;
  const end = start + length;
  while (at < end) {
    const type = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    const size = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    if (size < 8 || at + size > end) return false;
    if (type === APPLY_ACTIONS) {
      if (!arePlainActions(bytes, at + 8, at + size)) return false;
    } else if (type !== GOTO_TABLE) return false;
    at += size;
  }
  return true;
}

function arePlainActions(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  // OXM class and field of the set_field before, -1 if the action before was none: two for one field in a row may be one.
  let setBefore = -1;
  while (at < end) {
    const type = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    const size = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    if (size < 8 || at + size > end) return false;
    let set = -1;
    if (type === EXPERIMENTER) {
      if (!isNicira(bytes, at)) return false;
      const subtype = ((bytes[at + 8] as number) << 8) | (bytes[at + 9] as number);
      if (subtype === NXAST_CT) {
        if (size !== CT_BYTES) return false;
      } else if (subtype !== NXAST_RESUBMIT_TABLE && subtype !== NXAST_CONJUNCTION) return false;
    } else if (type === SET_FIELD) {
      const oxmClass = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
      const fieldAndMask = bytes[at + 6] as number;
      // Fields of Nicira's class 0 are the old names of standard ones; a mask needs a closer look.
      if (oxmClass === 0 || oxmClass === EXPERIMENTER || (fieldAndMask & 1) !== 0) return false;
      set = (oxmClass << 8) | fieldAndMask;
      if (set === setBefore) return false;
    } else if (type === OUTPUT) {
      if ((bytes[at + 8] !== 0 || bytes[at + 9] !== 0) && CONTROLLER_PORT.some((byte, i) => bytes[at + 4 + i] !== byte))
        return false;
    } else return false;
    setBefore = set;
    at += size;
  }
  return true;
}

/** Allow, drop (no instructions at all) or conjunction (any conjunction action among those applied). */
export function instructionsClass(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return CLASS_DROP;
  for (let at = start; at + 8 <= end; ) {
    const type = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    const size = Math.max(8, ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
    if (type === APPLY_ACTIONS) {
      for (let action = at + 8, last = Math.min(end, at + size); action + 10 <= last; ) {
        if (isConjunction(bytes, action)) return CLASS_CONJUNCTION;
        action += Math.max(8, ((bytes[action + 2] as number) << 8) | (bytes[action + 3] as number));
      }
    }
    at += size;
  }
  return CLASS_ALLOW;
}

function isNicira(bytes: Uint8Array, at: number): boolean {
  return bytes[at + 4] === 0 && bytes[at + 5] === 0 && bytes[at + 6] === NICIRA >> 8 && bytes[at + 7] === (NICIRA & 0xff);
}

function isConjunction(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 0xff &&
    bytes[at + 1] === 0xff &&
    isNicira(bytes, at) &&
    bytes[at + 8] === 0 &&
    bytes[at + 9] === NXAST_CONJUNCTION
  );
}

/** What merging needs to know of conjunction actions: 16 bytes, of which 10 = clause, 11 = number of clauses, 12… = id. */
export const CONJUNCTION = {
  /** The applied actions, one by one. */
  actionsOf(instructions: Uint8Array): Uint8Array[] {
    const actions: Uint8Array[] = [];
    for (let at = 0; at + 8 <= instructions.length; ) {
      const type = ((instructions[at] as number) << 8) | (instructions[at + 1] as number);
      const size = Math.max(8, ((instructions[at + 2] as number) << 8) | (instructions[at + 3] as number));
      if (type === APPLY_ACTIONS) {
        for (let action = at + 8; action + 8 <= at + size; ) {
          const length = Math.max(8, ((instructions[action + 2] as number) << 8) | (instructions[action + 3] as number));
          actions.push(instructions.slice(action, action + length));
          action += length;
        }
      }
      at += size;
    }
    return actions;
  },

  /** Conjunctions stand before anything else (a note). */
  rank(action: Uint8Array): number {
    return isConjunction(action, 0) ? 0 : 1;
  },

  /** By id, then clause, then number of clauses; 0 unless both are conjunctions. */
  compare(a: Uint8Array, b: Uint8Array): number {
    if (!isConjunction(a, 0) || !isConjunction(b, 0)) return 0;
    for (let i = 12; i < 16; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
    return (a[10] as number) - (b[10] as number) || (a[11] as number) - (b[11] as number);
  },

  /** One apply-actions instruction of these actions. */
  applyActions(actions: readonly Uint8Array[]): Uint8Array {
    let length = 8;
    for (const action of actions) length += action.length;
    const bytes = new Uint8Array(length);
    bytes[1] = APPLY_ACTIONS;
    bytes[2] = length >>> 8;
    bytes[3] = length & 0xff;
    let at = 8;
    for (const action of actions) {
      bytes.set(action, at);
      at += action.length;
    }
    return bytes;
  },
};
