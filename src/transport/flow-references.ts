/** What else of a switch a flow's instructions name: groups, meters, and the table that follows. */
export interface FlowReferences {
  readonly groups: readonly number[];
  readonly meters: readonly number[];
  /** Table of a `goto_table` instruction; -1 = none. */
  readonly goto: number;
}

const NONE: FlowReferences = { groups: [], meters: [], goto: -1 };

// Instruction types (OpenFlow 1.5.1 §7.2.4) and action types (§7.2.6) that matter here.
const GOTO_TABLE = 1;
const WRITE_ACTIONS = 3;
const APPLY_ACTIONS = 4;
const METER_INSTRUCTION = 6;
const GROUP = 22;
const METER = 29;
const EXPERIMENTER = 0xffff;

const NICIRA = 0x2320;
const CT = 35;
const CLONE = 42;
/** Bytes before the nested actions. */
const CT_HEADER = 24;
const CLONE_HEADER = 16;

/**
 * Finds the references in canonical instruction bytes, nested actions of `clone` and `ct` included. A value that sits in a
 * packet field at run time (`resubmit`, `learn`) is no reference.
 */
export function flowReferences(instructions: Uint8Array): FlowReferences {
  if (instructions.length === 0) return NONE;
  const view = new DataView(instructions.buffer, instructions.byteOffset, instructions.byteLength);
  const found = { groups: [] as number[], meters: [] as number[], goto: -1 };
  for (let at = 0; at + 4 <= view.byteLength; ) {
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    const end = at + length;
    if (length < 8 || end > view.byteLength) break;
    if (type === GOTO_TABLE) found.goto = view.getUint8(at + 4);
    else if (type === METER_INSTRUCTION) found.meters.push(view.getUint32(at + 4));
    else if (type === WRITE_ACTIONS || type === APPLY_ACTIONS) scanActions(view, at + 8, end, found);
    at = end;
  }
  return found;
}

function scanActions(view: DataView, start: number, stop: number, found: { groups: number[]; meters: number[] }): void {
  for (let at = start; at + 8 <= stop; ) {
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    const end = at + length;
    if (length < 8 || end > stop) return;
    if (type === GROUP) found.groups.push(view.getUint32(at + 4));
    else if (type === METER) found.meters.push(view.getUint32(at + 4));
    else if (type === EXPERIMENTER && length >= 16 && view.getUint32(at + 4) === NICIRA) {
      const subtype = view.getUint16(at + 8);
      if (subtype === CLONE) scanActions(view, at + CLONE_HEADER, end, found);
      else if (subtype === CT) scanActions(view, at + CT_HEADER, end, found);
    }
    at = end;
  }
}
