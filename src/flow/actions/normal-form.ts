/**
 * Actions in the one form that stands for all that mean the same. Two kinds of rule, and no others: an action that Open vSwitch
 * itself reports in another form than it was sent (in another version, or after translating it), and parts of an action that
 * never have an effect. What behaves differently for any packet stays different.
 */
import { type Field, field as fieldNamed } from "../fields.ts";
import type { Action, ActionOf, CtAction, LearnAction, NatAction, SetFieldAction } from "./action.ts";
import { loadToSet } from "./set-field.ts";
import { hasNxmHeader, knownField, resolveBits } from "./subfield.ts";
import { ipv4Bytes, macBytes, scanBits, toFieldBytes } from "./values.ts";

const CFI = 0x1000;
const ETH_TYPE_VLAN = 0x8100;
const MAX_64 = 0xffff_ffff_ffff_ffffn;

/** A write to a field while it is being merged; `mask` undefined = every bit. */
interface Write {
  readonly field: Field;
  readonly value: Uint8Array;
  readonly mask: Uint8Array | undefined;
}

function write(name: string, value: Uint8Array | number | bigint): Write {
  const field = fieldNamed(name);
  return { field, value: toFieldBytes(field, value, "value"), mask: undefined };
}

const PORT_FIELDS: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [6, "tcp"],
  [17, "udp"],
  [132, "sctp"],
]);

// Does the mask leave out nothing of the field? `vlan_vid` has one bit more than its width, which says that there is a tag.
function isWhole(field: Field, mask: Uint8Array): boolean {
  const bits = field.name === "vlan_vid" ? 13 : field.bits;
  return scanBits(mask, 0, 0, Math.min(bits, mask.length * 8)) >= Math.min(bits, mask.length * 8);
}

/** Drops what the mask leaves out of the value, and a mask that leaves out nothing. */
function clean(field: Field, value: Uint8Array, mask: Uint8Array | undefined): Write {
  if (mask === undefined) {
    // The same six bits under two names, one of them shifted.
    if (field.name === "nw_tos") return write("ip_dscp", (value[0] as number) >> 2);
    return { field, value, mask };
  }
  if (isWhole(field, mask)) return clean(field, value, undefined);
  return { field, value: value.map((byte, i) => byte & (mask[i] as number)), mask };
}

function writeOfSetField(action: SetFieldAction): Write {
  const field = knownField(action.field, "field");
  const mask = action.mask === undefined ? undefined : toFieldBytes(field, action.mask, "mask");
  return clean(field, toFieldBytes(field, action.value, "value"), mask);
}

// The write that an action is, if it is one.
function asWrite(action: Action): Write | undefined {
  switch (action.type) {
    case "setField":
      return writeOfSetField(action);
    case "load": {
      const { field, value, mask } = loadToSet(action);
      return clean(field, value, mask);
    }
    case "modDlSrc":
    case "modDlDst": {
      const bytes = macBytes(action.address);
      return bytes === undefined ? undefined : write(action.type === "modDlSrc" ? "eth_src" : "eth_dst", bytes);
    }
    case "modNwSrc":
    case "modNwDst": {
      const bytes = ipv4Bytes(action.address);
      return bytes === undefined ? undefined : write(action.type === "modNwSrc" ? "ip_src" : "ip_dst", bytes);
    }
    case "modNwTos":
      return write("ip_dscp", action.value >> 2);
    case "modNwEcn":
      return write("nw_ecn", action.value);
    case "modNwTtl":
      return write("nw_ttl", action.value);
    case "modTpSrc":
    case "modTpDst": {
      const protocol = PORT_FIELDS.get(action.protocol ?? 0);
      return protocol === undefined ? undefined : write(`${protocol}_${action.type === "modTpSrc" ? "src" : "dst"}`, action.port);
    }
    case "setMplsLabel":
      return write("mpls_label", action.value);
    case "setMplsTc":
      return write("mpls_tc", action.value);
    case "setMplsTtl":
      return write("mpls_ttl", action.value);
    case "setTunnel":
      return write("tun_id", action.id);
    case "setVlanVid":
      return write("vlan_vid", action.vlan | CFI);
    case "setVlanPcp":
      return write("vlan_pcp", action.priority);
    default:
      return undefined;
  }
}

function merge(first: Write, second: Write): Write {
  if (second.mask === undefined) return second;
  const { field } = first;
  const mask = second.mask;
  const value = first.value.map((byte, i) => (byte & ~(mask[i] as number)) | (second.value[i] as number));
  if (first.mask === undefined) return { field, value, mask: undefined };
  const both = first.mask.map((byte, i) => byte | (mask[i] as number));
  return clean(field, value, both);
}

function asAction(written: Write): SetFieldAction {
  const { field, value, mask } = written;
  return { type: "setField", field: field.name, value, ...(mask === undefined ? {} : { mask }) };
}

function normalNat(action: NatAction): NatAction {
  const { address, ports } = action;
  const oneAddress = address?.last !== undefined && address.last === address.first;
  const onePort = ports?.last !== undefined && ports.last === ports.first;
  if (!oneAddress && !onePort) return action;
  return {
    ...action,
    ...(oneAddress ? { address: { first: address.first } } : {}),
    ...(onePort ? { ports: { first: ports.first } } : {}),
  };
}

// The translation is done after all writes, wherever it stands among them.
function normalCt(action: CtAction): CtAction {
  if (action.actions === undefined) return action;
  const actions = normalActions(action.actions);
  const nats = actions.filter((inner) => inner.type === "nat");
  const last = nats.at(-1);
  const ordered =
    last === undefined || nats.length > 1 ? actions : [last, ...mergeAgain(actions.filter((inner) => inner.type !== "nat"))];
  return { ...action, actions: ordered };
}

// Writes that a nat kept apart stand side by side once it has moved away.
function mergeAgain(actions: readonly Action[]): readonly Action[] {
  return normalActions(actions);
}

function normalLearn(action: LearnAction): LearnAction {
  const { extended: _extended, ...rest } = action;
  return rest;
}

function normalOther(action: Action): readonly Action[] {
  switch (action.type) {
    case "output":
      return action.port === "CONTROLLER" || (action.maxLength ?? 0) === 0 ? [action] : [{ ...action, maxLength: 0 }];
    case "enqueue":
      return [
        { type: "setQueue", queue: action.queue },
        { type: "output", port: action.port, maxLength: 0 },
        { type: "popQueue" },
      ];
    case "controller": {
      const { extended: _extended, ...rest } = action;
      return [rest];
    }
    case "outputReg": {
      const { extended: _extended, ...rest } = action;
      return hasNxmHeader(resolveBits(action.source, "source").field) ? [rest] : [action];
    }
    case "resubmit": {
      const { legacy: _legacy, ...rest } = action;
      return [rest];
    }
    case "move": {
      const { onf: _onf, ...rest } = action;
      return [rest];
    }
    case "sample": {
      const { encoding: _encoding, ...rest } = action;
      return [rest];
    }
    case "decTtl":
      return action.controllers?.length === 1 && action.controllers[0] === 0 ? [{ type: "decTtl" }] : [action];
    case "learn":
      return [normalLearn(action)];
    case "nat":
      return [normalNat(action)];
    case "ct":
      return [normalCt(action)];
    case "clone":
    case "writeActions":
      return [{ ...action, actions: normalActions(action.actions) } as ActionOf<"clone" | "writeActions">];
    case "writeMetadata": {
      const mask = BigInt(action.mask ?? MAX_64);
      return mask === MAX_64 ? [action] : [{ ...action, value: BigInt(action.value) & mask }];
    }
    default:
      return [action];
  }
}

/** A list of actions and instructions in normal form. */
export function normalActions(actions: readonly Action[]): Action[] {
  const normal: Action[] = [];
  let pending: Write | undefined;
  const flush = (): void => {
    // A write of no bit is none.
    if (pending !== undefined && (pending.mask === undefined || pending.mask.some((byte) => byte !== 0)))
      normal.push(asAction(pending));
    pending = undefined;
  };
  for (const action of actions) {
    const written = asWrite(action);
    if (written === undefined) {
      flush();
      for (const other of normalOther(action)) normal.push(other);
      continue;
    }
    if (
      (action.type === "setVlanVid" || action.type === "setVlanPcp") &&
      action.pushIfNeeded === true &&
      action.tagged !== true
    ) {
      flush();
      normal.push({ type: "pushVlan", etherType: ETH_TYPE_VLAN });
    }
    if (pending !== undefined && pending.field === written.field) pending = merge(pending, written);
    else {
      flush();
      pending = written;
    }
  }
  flush();
  return normal;
}
