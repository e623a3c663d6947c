/** All actions together: lists of them to bytes and back. */
import type { ByteWriter } from "../../bytes.ts";
import type { Action, ActionType } from "./action.ts";
import {
  type ActionSink,
  type CodecVersion,
  type Encoders,
  RawAction,
  Vendor,
  type WireForm,
  wireError,
  withPath,
} from "./codec.ts";
import { conntrackEncoders, conntrackForms } from "./conntrack.ts";
import { encapEncoders, encapForms } from "./encap.ts";
import { hashingEncoders, hashingForms } from "./hashing.ts";
import { headerModEncoders, headerModForms } from "./header-mods.ts";
import { learnEncoders, learnForms } from "./learn.ts";
import { moveStackEncoders, moveStackForms } from "./move-stack.ts";
import { outputEncoders, outputForms } from "./output.ts";
import { pipelineEncoders, pipelineForms } from "./pipeline.ts";
import { setFieldEncoders, setFieldForms } from "./set-field.ts";
import { type OuterAction, verifyActions } from "./verify.ts";
import { vlanMplsEncoders, vlanMplsForms } from "./vlan-mpls.ts";

const ENCODERS: Encoders = {
  ...outputEncoders,
  ...setFieldEncoders,
  ...vlanMplsEncoders,
  ...headerModEncoders,
  ...moveStackEncoders,
  ...hashingEncoders,
  ...learnEncoders,
  ...encapEncoders,
  ...conntrackEncoders,
  ...pipelineEncoders,
};

const FORMS: readonly WireForm[] = [
  ...outputForms,
  ...setFieldForms,
  ...vlanMplsForms,
  ...headerModForms,
  ...moveStackForms,
  ...hashingForms,
  ...learnForms,
  ...encapForms,
  ...conntrackForms,
  ...pipelineForms,
];

/** Is there an action of this type? */
export function isActionType(type: unknown): type is ActionType {
  return typeof type === "string" && Object.hasOwn(ENCODERS, type);
}

const MAX_CODE = 0x1000;
const SPACE = 8;

function keyOf(vendor: number, code: number, version: number): number {
  const space = vendor === Vendor.standard ? 0 : vendor === Vendor.nicira ? 1 : 2;
  return (space * MAX_CODE + code) * SPACE + version;
}

/** The forms by {@link keyOf}; made when the first action is decoded. */
let byKey: ReadonlyMap<number, WireForm> | undefined;

function formsByKey(): ReadonlyMap<number, WireForm> {
  const table = new Map<number, WireForm>();
  for (const form of FORMS) {
    for (let version = 1; version < SPACE; version++) {
      if ((form.versions & (1 << version)) !== 0) table.set(keyOf(form.vendor, form.code, version), form);
    }
  }
  return table;
}

/** How deep actions may nest. */
export const MAX_DEPTH = 100;

class Sink implements ActionSink {
  readonly w: ByteWriter;
  readonly version: CodecVersion;
  #depth = 0;

  constructor(w: ByteWriter, version: CodecVersion) {
    this.w = w;
    this.version = version;
  }

  one(action: Action): void {
    const encode = ENCODERS[action.type] as (action: Action, sink: ActionSink) => void;
    encode(action, this);
  }

  actions(list: readonly Action[]): void {
    if (++this.#depth > MAX_DEPTH) throw wireError("ACTION_INVALID", "OFPBAC_TOO_MANY", "actions nest too deeply", 0);
    for (let i = 0; i < list.length; i++) {
      try {
        this.one(list[i] as Action);
      } catch (error) {
        throw withPath(error, `[${i}]`);
      }
    }
    this.#depth--;
  }
}

/** Appends one action. */
export function encodeAction(action: Action, version: CodecVersion, w: ByteWriter): void {
  new Sink(w, version).one(action);
}

/** Appends a list of actions. Errors: `ACTION_INVALID` with the path of the fault, such as `[2].port`. */
export function encodeActionList(actions: readonly Action[], version: CodecVersion, w: ByteWriter): void {
  new Sink(w, version).actions(actions);
}

function formAt(view: DataView, start: number, end: number, version: CodecVersion): WireForm {
  const left = end - start;
  if (left < 8)
    throw wireError("WIRE_ACTION", "OFPBAC_BAD_LEN", `an action has at least 8 bytes, but only ${left} are left`, start);
  const type = view.getUint16(start);
  let vendor: number = Vendor.standard;
  let code = type;
  if (type === 0xffff) {
    vendor = view.getUint32(start + 4);
    if (vendor !== Vendor.nicira && vendor !== Vendor.onf) {
      throw wireError("WIRE_ACTION", "OFPBAC_BAD_VENDOR", `actions of experimenter 0x${vendor.toString(16)} are unknown`, start);
    }
    if (left < 16)
      throw wireError(
        "WIRE_ACTION",
        "OFPBAC_BAD_LEN",
        `an experimenter action has at least 16 bytes, but only ${left} are left`,
        start,
      );
    code = view.getUint16(start + 8);
  }
  byKey ??= formsByKey();
  const form = code < MAX_CODE ? byKey.get(keyOf(vendor, code, version)) : undefined;
  if (form === undefined) {
    const name = vendor === 0 ? "OFPBAC_BAD_TYPE" : "OFPBAC_BAD_VENDOR_TYPE";
    throw wireError("WIRE_ACTION", name, `action ${code} is unknown in this version`, start);
  }
  const length = view.getUint16(start + 2);
  if (length > left || length < form.length || (!form.variable && length !== form.length) || length % 8 !== 0) {
    throw wireError("WIRE_ACTION", "OFPBAC_BAD_LEN", `an action says it has ${length} bytes, which cannot be`, start);
  }
  return form;
}

/**
 * Decodes the actions in `bytes[start, end)`. `lenient` takes values as they are, for canonical bytes. Errors: `WIRE_ACTION`
 * with the byte offset and the OpenFlow error.
 */
export function decodeActionList(
  bytes: Uint8Array,
  start: number,
  end: number,
  version: CodecVersion,
  lenient: boolean,
  depth = 0,
): Action[] {
  if (depth > MAX_DEPTH) throw wireError("WIRE_ACTION", "OFPBAC_TOO_MANY", "actions nest too deeply", start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const nested = (from: number, to: number, outer: "ct" | "clone"): Action[] => {
    if ((to - from) % 8 !== 0)
      throw wireError("WIRE_ACTION", "OFPBRC_BAD_LEN", "nested actions are not a multiple of 8 bytes long", from);
    const list = decodeActionList(bytes, from, to, version, lenient, depth + 1);
    if (!lenient)
      refuseOrder(list, version, { instructions: false, meter: false, outer: outer === "ct" ? "ct" : undefined }, from);
    return list;
  };
  const raw = new RawAction(bytes, view, version, lenient, nested);
  const actions: Action[] = [];
  for (let at = start; at < end; ) {
    const form = formAt(view, at, end, version);
    const next = at + view.getUint16(at + 2);
    raw.start = at;
    raw.end = next;
    actions.push(form.decode(raw));
    at = next;
  }
  return actions;
}

/** Throws the wire error for a list whose order or nesting Open vSwitch refuses. */
export function refuseOrder(
  actions: readonly Action[],
  version: CodecVersion,
  allowed: { readonly instructions: boolean; readonly meter: boolean; readonly outer: OuterAction | undefined },
  offset: number,
): void {
  const fault = verifyActions(actions, version, allowed);
  if (fault !== undefined) throw wireError("WIRE_ACTION", fault.openflowError, fault.message, offset);
}
