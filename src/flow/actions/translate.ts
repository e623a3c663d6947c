/**
 * Canonical bytes to OpenFlow 1.3 and 1.4 without taking all of them apart: nearly every action has the same bytes there, and is
 * copied; the others are decoded and encoded one by one.
 */
import type { ByteWriter } from "../../bytes.ts";
import { EXPERIMENTER_CLASS, fieldByHeader } from "../oxm.ts";
import { CANONICAL, Vendor } from "./codec.ts";
import { decodeActionList, encodeAction } from "./registry.ts";
import { LONG_LOAD } from "./set-field.ts";

const APPLY = 4;
const WRITE = 3;

/** What is to be done with an action. */
const COPY = 0;
const RECODE = 1;
/** The list has to be looked at as a whole: a meter is an instruction there, some actions need the match. */
const GIVE_UP = 2;

function fateOfSetField(view: DataView, at: number): number {
  const header = view.getUint32(at + 4);
  if ((header & 0x100) !== 0) return RECODE;
  const oxmClass = header >>> 16;
  const field = fieldByHeader(oxmClass, (header >>> 9) & 0x7f, oxmClass === EXPERIMENTER_CLASS ? view.getUint32(at + 8) : 0);
  // Headers that came with 1.5 belong to fields that cannot be written; were there one, it would be written anew.
  return field?.headers.some((one) => one.since > 4) === false ? COPY : RECODE;
}

function fateOfNicira(view: DataView, at: number, end: number): number {
  switch (view.getUint16(at + 8)) {
    case 2:
    case 9:
      return RECODE;
    case 7:
      return view.getUint16(at + 10) === LONG_LOAD ? RECODE : COPY;
    case 35:
      return fateOfNested(view, at + 24, end);
    case 42:
      return fateOfNested(view, at + 16, end);
    default:
      return COPY;
  }
}

function fateOfNested(view: DataView, start: number, end: number): number {
  let worst = COPY;
  for (let at = start; at < end; ) {
    const next = at + view.getUint16(at + 2);
    const fate = fateOf(view, at, next);
    if (fate > worst) worst = fate;
    at = next;
  }
  return worst;
}

function fateOf(view: DataView, at: number, end: number): number {
  const type = view.getUint16(at);
  if (type === 0xffff) return view.getUint32(at + 4) === Vendor.nicira ? fateOfNicira(view, at, end) : RECODE;
  if (type === 25) return fateOfSetField(view, at);
  if (type === 0 || (type >= 15 && type <= 24)) return COPY;
  if (type === 28 || (type >= 3 && type <= 8) || type === 11 || type === 13 || type === 14) return RECODE;
  return GIVE_UP;
}

/**
 * Appends the canonical instructions in `bytes[start, end)` as version 4 or 5 has them. False, with nothing appended, when they
 * have to go the long way.
 */
export function translateCanonical(bytes: Uint8Array, start: number, end: number, version: 4 | 5, w: ByteWriter): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const begin = w.length;
  for (let at = start; at < end; ) {
    const type = view.getUint16(at);
    const next = at + view.getUint16(at + 2);
    if (type !== APPLY && type !== WRITE) {
      w.bytes(bytes, at, next);
      at = next;
      continue;
    }
    const head = w.length;
    w.bytes(bytes, at, at + 8);
    // What is copied is copied in one run.
    let run = at + 8;
    for (let action = run; action < next; ) {
      const behind = action + view.getUint16(action + 2);
      const fate = fateOf(view, action, behind);
      if (fate === GIVE_UP) {
        w.length = begin;
        return false;
      }
      if (fate === RECODE) {
        if (run < action) w.bytes(bytes, run, action);
        for (const one of decodeActionList(bytes, action, behind, CANONICAL, true)) encodeAction(one, version, w);
        run = behind;
      }
      action = behind;
    }
    if (run < next) w.bytes(bytes, run, next);
    const length = w.length - head;
    if (length === 8) w.length = head;
    else if (length > 0xfff8) {
      w.length = begin;
      return false;
    } else w.view.setUint16(head + 2, length);
    at = next;
  }
  return true;
}
