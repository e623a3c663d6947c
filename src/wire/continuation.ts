import type { Action } from "../flow/actions/action.ts";
import type { WireVersion } from "../flow/version.ts";
import { readActions } from "./flow-body.ts";
import { failWire } from "./wire-error.ts";
import { type Property, propertyU32, readProperty, WireReader } from "./wire-reader.ts";

/** What Open vSwitch keeps in the continuation of a paused packet. Private to the switch; read for display only. */
export interface Continuation {
  /** UUID of the bridge. */
  readonly bridge: string | undefined;
  /** Top first. */
  readonly stack: readonly Uint8Array[];
  readonly mirrors: number;
  readonly conntracked: boolean;
  /** Actions that are still to be run, with the table and cookie that they came from. */
  readonly actions: readonly { readonly table: number; readonly cookie: bigint; readonly actions: readonly Action[] }[];
  readonly actionSet: readonly Action[];
  readonly datapathPort: number;
}

const FIRST = 0x8000;
const LONGEST_VALUE = 128;

function uuidText(bytes: Uint8Array): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join("-");
}

function readNestedActions(property: Property): Action[] {
  const { body, start } = property;
  if (body.left < 4) failWire("WIRE_LENGTH", "actions begin behind 4 bytes of padding", start + 2, "OFPBPC_BAD_LEN");
  body.skip(4);
  return readActions(body, body.left);
}

function lengthOf(property: Property, length: number): void {
  if (property.body.left !== length) {
    failWire("WIRE_LENGTH", `${length} bytes are needed`, property.start + 2, "OFPBPC_BAD_LEN");
  }
}

/** Reads the nested properties of a continuation. Throws `WIRE_` errors, with offsets from the start of `bytes`. */
export function decodeContinuation(bytes: Uint8Array, version: number): Continuation {
  const reader = new WireReader(bytes, 0, bytes.length, version as WireVersion);
  const stack: Uint8Array[] = [];
  const groups: { table: number; cookie: bigint; actions: readonly Action[] }[] = [];
  let bridge: string | undefined;
  let mirrors = 0;
  let conntracked = false;
  let actionSet: readonly Action[] = [];
  let datapathPort = 0;
  let table = 0;
  let cookie = 0n;
  while (reader.left > 0) {
    const property = readProperty(reader);
    const { body } = property;
    switch (property.experimenter === 0 ? property.type - FIRST : -1) {
      case 0:
        lengthOf(property, 16);
        bridge = uuidText(body.take(16));
        break;
      case 1:
        if (body.left > LONGEST_VALUE) failWire("WIRE_LENGTH", "a value is too long", property.start + 2, "OFPBPC_BAD_LEN");
        stack.push(body.rest());
        break;
      case 2:
        mirrors = propertyU32(property);
        break;
      case 3:
        conntracked = true;
        break;
      case 4:
        if (body.left < 1) failWire("WIRE_LENGTH", "1 byte is needed", property.start + 2, "OFPBPC_BAD_LEN");
        table = body.u8();
        break;
      case 5:
        lengthOf(property, 12);
        body.skip(4);
        cookie = body.u64();
        break;
      case 6:
        groups.push({ table, cookie, actions: readNestedActions(property) });
        break;
      case 7:
        actionSet = readNestedActions(property);
        break;
      case 8:
        datapathPort = propertyU32(property);
        break;
      default:
        break;
    }
  }
  return { bridge, stack, mirrors, conntracked, actions: groups, actionSet, datapathPort };
}
