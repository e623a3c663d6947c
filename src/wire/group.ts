import type { ByteWriter } from "../bytes.ts";
import type { Action } from "../flow/actions/action.ts";
import { readOxmHeader } from "../flow/oxm.ts";
import { putActions, readActions } from "./flow-body.ts";
import type { Body, BodyCodec, MessageHead, MultipartHead } from "./message-head.ts";
import { Group, Port } from "./port-number.ts";
import { beginProperty, endProperty, putPropertyU32, readSized } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { type Property, propertyU16, propertyU32, readProperty, type WireReader } from "./wire-reader.ts";

/** Bucket numbers with a meaning of their own. */
export const Bucket = { max: 0xffffff00, first: 0xfffffffd, last: 0xfffffffe, all: 0xffffffff } as const;

export type GroupType = "all" | "select" | "indirect" | "ff";

/** {@link GroupType} by number. */
export const GROUP_TYPES: readonly GroupType[] = ["all", "select", "indirect", "ff"];

export interface GroupBucket {
  /** Given by OpenFlow 1.5 and Nicira's form; otherwise the position. {@link Bucket}.all = none was given. */
  readonly id: number;
  /** `select` groups only; default 1 there and 0 elsewhere. */
  readonly weight: number;
  /** The bucket is alive while this port is; `Port.any` = always. */
  readonly watchPort: number;
  /** The bucket is alive while this group is; `Group.any` = always. */
  readonly watchGroup: number;
  readonly actions: readonly Action[];
}

/** How a `select` group chooses (Netronome's extension). */
export interface SelectionMethod {
  readonly method: string;
  readonly parameter: bigint;
  /** Fields to hash, as OXM TLVs whose values are masks. */
  readonly fields: Uint8Array;
}

export type GroupCommand = "add" | "modify" | "delete" | "insertBucket" | "removeBucket" | "addOrModify";

export interface GroupMod extends MessageHead {
  readonly type: "groupMod";
  readonly command: GroupCommand;
  readonly groupType: GroupType;
  readonly group: number;
  /** Where to insert, or what to remove; {@link Bucket}.all otherwise. */
  readonly commandBucket: number;
  readonly buckets: readonly GroupBucket[];
  readonly selection?: SelectionMethod;
}

export interface GroupStatsRequest extends MultipartHead {
  readonly type: "groupStatsRequest";
  /** `Group.any` = all. */
  readonly group: number;
}

export interface GroupStats {
  readonly group: number;
  /** Flows and groups that use it. */
  readonly referenceCount: number;
  readonly packetCount: bigint;
  readonly byteCount: bigint;
  /** OpenFlow 1.3 and later. */
  readonly durationSeconds?: number;
  readonly durationNanoseconds?: number;
  readonly buckets: readonly { readonly packetCount: bigint; readonly byteCount: bigint }[];
}

export interface GroupStatsReply extends MultipartHead {
  readonly type: "groupStatsReply";
  readonly groups: readonly GroupStats[];
}

export interface GroupDescRequest extends MultipartHead {
  readonly type: "groupDescRequest";
  /** OpenFlow 1.5 asks for one; `Group.all` = all, as earlier versions always do. */
  readonly group: number;
}

export interface GroupDescription {
  readonly group: number;
  /** A type without a name is kept as its number. */
  readonly groupType: GroupType | number;
  readonly buckets: readonly GroupBucket[];
  readonly selection?: SelectionMethod;
}

export interface GroupDescReply extends MultipartHead {
  readonly type: "groupDescReply";
  readonly groups: readonly GroupDescription[];
}

export interface GroupFeaturesRequest extends MultipartHead {
  readonly type: "groupFeaturesRequest";
}

export interface GroupFeaturesReply extends MultipartHead {
  readonly type: "groupFeaturesReply";
  /** Bit n = group type n. */
  readonly types: number;
  readonly capabilities: number;
  /** By group type. */
  readonly maxGroups: readonly number[];
  /** By group type: bit n = action type n. */
  readonly actions: readonly number[];
}

const COMMANDS: ReadonlyMap<number, GroupCommand> = new Map([
  [0, "add"],
  [1, "modify"],
  [2, "delete"],
  [3, "insertBucket"],
  [5, "removeBucket"],
  [0x8000, "addOrModify"],
]);

const SELECT = 1;
const NETRONOME = 0x0000154d;
const NETRONOME_OLD = 0x00001540;
const SELECTION_METHOD = 1;

/** Buckets of OpenFlow 1.1 to 1.4, without ids of their own. */
function readBuckets11(reader: WireReader): GroupBucket[] {
  const buckets: GroupBucket[] = [];
  while (reader.left > 0) {
    const part = readSized(reader, 0, 16, 1, "OFPGMFC_BAD_BUCKET");
    part.skip(2);
    const weight = part.u16();
    const watchPort = readWatchPort(part);
    const watchGroup = part.u32();
    part.skip(4);
    const actions = readActions(part, part.left);
    buckets.push({ id: buckets.length, weight, watchPort, watchGroup, actions });
  }
  return buckets;
}

function readWatchPort(reader: WireReader): number {
  const port = reader.u32();
  if (port >= 0xff00 && port < Port.max) reader.bad(`port ${port} is out of range`, 4, "OFPGMFC_BAD_WATCH");
  return port;
}

/** Buckets of OpenFlow 1.5 and of Nicira's form for 1.0. */
function readBuckets15(reader: WireReader, groupType: number): GroupBucket[] {
  const buckets: GroupBucket[] = [];
  const ids = new Set<number>();
  while (reader.left > 0) {
    const start = reader.at;
    const part = readSized(reader, 0, 8, 1, "OFPGMFC_BAD_BUCKET");
    part.skip(2);
    const actionsLength = part.u16();
    const id = part.u32();
    if (actionsLength > part.left) {
      failWire("WIRE_LENGTH", `actions of ${actionsLength} bytes`, start + 2, "OFPGMFC_BAD_BUCKET");
    }
    const actions = readActions(part, actionsLength);
    let weight = groupType === SELECT ? 1 : 0;
    let watchPort: number = Port.any;
    let watchGroup: number = Group.any;
    while (part.left > 0) {
      const property = readProperty(part);
      if (property.type === 0) weight = propertyU16(property);
      else if (property.type === 1) {
        if (property.body.left !== 4) failWire("WIRE_LENGTH", "a port has 4 bytes", property.start + 2, "OFPBPC_BAD_LEN");
        watchPort = readWatchPort(property.body);
      } else if (property.type === 2) watchGroup = propertyU32(property);
      else failWire("WIRE_MESSAGE", "a bucket has no such property", property.start, unknownProperty(property));
    }
    if (id > Bucket.max) failWire("WIRE_VALUE", `bucket ${id}`, start + 4, "OFPGMFC_BAD_BUCKET");
    if (ids.has(id)) failWire("WIRE_VALUE", `bucket ${id} comes twice`, start + 4, "OFPGMFC_BAD_BUCKET");
    ids.add(id);
    buckets.push({ id, weight, watchPort, watchGroup, actions });
  }
  return buckets;
}

function unknownProperty(property: Property): string {
  return property.experimenter === 0 ? "OFPBPC_BAD_TYPE" : "OFPBPC_BAD_EXP_TYPE";
}

function readSelection(reader: WireReader, groupType: number, command: GroupCommand | undefined): SelectionMethod | undefined {
  let selection: SelectionMethod | undefined;
  while (reader.left > 0) {
    const property = readProperty(reader);
    const ours = property.experimenter === NETRONOME || property.experimenter === NETRONOME_OLD;
    if (!ours || property.expType !== SELECTION_METHOD) {
      failWire("WIRE_MESSAGE", "a group has no such property", property.start, unknownProperty(property));
    }
    selection = readSelectionMethod(property, groupType, command);
  }
  return selection;
}

function readSelectionMethod(property: Property, groupType: number, command: GroupCommand | undefined): SelectionMethod {
  const { body, start } = property;
  if (groupType > 3) failWire("WIRE_VALUE", `group type ${groupType}`, start, "OFPGMFC_BAD_TYPE");
  if (groupType !== SELECT) failWire("WIRE_VALUE", "only a select group selects", start, "OFPBPC_BAD_VALUE");
  if (command === undefined) failWire("WIRE_VALUE", "command is not known", start, "OFPGMFC_BAD_COMMAND");
  if (command !== "add" && command !== "modify" && command !== "addOrModify") {
    failWire("WIRE_VALUE", `${command} cannot set how to select`, start, "OFPBPC_BAD_VALUE");
  }
  if (body.left < 28) failWire("WIRE_LENGTH", "a selection method has 40 bytes", start + 2, "OFPBPC_BAD_LEN");
  body.skip(4);
  const nameAt = body.at;
  const method = body.text(16);
  if (method !== "hash" && method !== "dp_hash") {
    failWire("WIRE_VALUE", `selection method "${method}"`, nameAt, "OFPBPC_BAD_VALUE");
  }
  const parameter = body.u64();
  if (body.left > 0 && method !== "hash") failWire("WIRE_VALUE", `${method} takes no fields`, body.at, "OFPBPC_BAD_VALUE");
  checkFields(body);
  return { method, parameter, fields: body.rest() };
}

function checkFields(body: WireReader): void {
  const seen = new Set<number>();
  for (let at = body.at; at < body.end; ) {
    const header = readOxmHeader(body.view, at, body.end);
    if (at + header.size > body.end) failWire("WIRE_LENGTH", "a field is cut off", at, "OFPBMC_BAD_LEN");
    const { field } = header;
    if (field === undefined) failWire("WIRE_VALUE", "field is not known", at, "OFPBMC_BAD_FIELD");
    if (seen.has(field.id)) failWire("WIRE_VALUE", `${field.name} comes twice`, at, "OFPBMC_DUP_FIELD");
    seen.add(field.id);
    if (!field.maskable) {
      const mask = body.bytes.subarray(header.payloadStart, at + header.size);
      const whole = mask.every((byte) => byte === 0xff) || significantOnes(mask, field.bits);
      if (!whole && !mask.every((byte) => byte === 0)) {
        failWire("WIRE_VALUE", `${field.name} has no masks`, at, "OFPBMC_BAD_MASK");
      }
    }
    at += header.size;
  }
}

/** Are exactly the lowest `bits` bits ones? */
function significantOnes(mask: Uint8Array, bits: number): boolean {
  let left = bits;
  for (let i = mask.length - 1; i >= 0; i--) {
    const here = Math.min(left, 8);
    if (mask[i] !== (1 << here) - 1) return false;
    left -= here;
  }
  return left === 0;
}

function putBucket11(w: ByteWriter, bucket: GroupBucket, version: number): void {
  const start = w.reserve(16);
  const { view } = w;
  view.setUint16(start + 2, bucket.weight);
  view.setUint32(start + 4, bucket.watchPort);
  view.setUint32(start + 8, bucket.watchGroup);
  putActions(w, bucket.actions, version);
  w.view.setUint16(start, w.length - start);
}

function putBucket15(w: ByteWriter, bucket: GroupBucket, id: number, groupType: number, version: number): void {
  const start = w.reserve(8);
  w.view.setUint32(start + 4, id);
  putActions(w, bucket.actions, version);
  w.view.setUint16(start + 2, w.length - start - 8);
  if (groupType === SELECT || bucket.weight !== 0) {
    const at = w.reserve(8);
    w.view.setUint16(at + 2, 8);
    w.view.setUint16(at + 4, bucket.weight);
  }
  if (bucket.watchPort !== Port.any) putPropertyU32(w, 1, bucket.watchPort);
  if (bucket.watchGroup !== Group.any) putPropertyU32(w, 2, bucket.watchGroup);
  w.view.setUint16(start, w.length - start);
}

/** The lowest number that no bucket has. */
function freeId(taken: Set<number>): number {
  let id = 0;
  while (taken.has(id)) id++;
  taken.add(id);
  return id;
}

function putBuckets15(w: ByteWriter, buckets: readonly GroupBucket[], groupType: number, version: number): void {
  const taken = new Set(buckets.filter(({ id }) => id <= Bucket.max).map(({ id }) => id));
  for (const bucket of buckets) {
    putBucket15(w, bucket, bucket.id <= Bucket.max ? bucket.id : freeId(taken), groupType, version);
  }
}

function putSelection(w: ByteWriter, selection: SelectionMethod): void {
  const start = beginProperty(w, 0xffff, NETRONOME, SELECTION_METHOD);
  const at = w.reserve(20);
  for (let i = 0; i < Math.min(selection.method.length, 15); i++) w.buffer[at + 4 + i] = selection.method.charCodeAt(i);
  w.u64(selection.parameter);
  w.bytes(selection.fields);
  endProperty(w, start);
}

function checkCommandBucket(command: GroupCommand | undefined, bucket: number, at: number): void {
  const placed = bucket <= Bucket.max || bucket === Bucket.first || bucket === Bucket.last;
  const fine =
    command === "insertBucket" ? placed : command === "removeBucket" ? placed || bucket === Bucket.all : bucket === Bucket.all;
  if (!fine) failWire("WIRE_VALUE", `command bucket ${bucket}`, at, "OFPGMFC_BAD_BUCKET");
}

function checkGroup(group: Body<GroupMod>, start: number): void {
  const { groupType, command, buckets } = group;
  if (groupType === "indirect" && command !== "delete" && buckets.length !== 1) {
    failWire("WIRE_VALUE", "an indirect group has one bucket", start, "OFPGMFC_INVALID_GROUP");
  }
  if (command === "removeBucket" && buckets.length > 0) {
    failWire("WIRE_VALUE", "buckets are removed by number", start, "OFPGMFC_BAD_BUCKET");
  }
  for (const bucket of buckets) {
    const watched = bucket.watchPort !== Port.any || bucket.watchGroup !== Group.any;
    if (bucket.weight !== 0 && groupType !== "select" && command !== "insertBucket") {
      failWire("WIRE_VALUE", "only a select group has weights", start, "OFPGMFC_INVALID_GROUP");
    }
    if (watched && (groupType === "all" || groupType === "indirect")) {
      failWire("WIRE_VALUE", `an ${groupType} group watches nothing`, start, "OFPGMFC_WATCH_UNSUPPORTED");
    }
    if (!watched && groupType === "ff") {
      failWire("WIRE_VALUE", "a fast failover bucket watches something", start, "OFPGMFC_INVALID_GROUP");
    }
  }
}

export const groupModCodec: BodyCodec<GroupMod> = {
  decode(reader, encoding): Body<GroupMod> {
    const start = reader.at;
    const commandNumber = reader.u16();
    const known = COMMANDS.get(commandNumber);
    const typeNumber = reader.u8();
    reader.skip(1);
    const group = reader.u32();
    let commandBucket: number = Bucket.all;
    let buckets: GroupBucket[];
    let selection: SelectionMethod | undefined;
    if (encoding.minimum === 16) {
      const bucketsLength = reader.u16();
      reader.skip(2);
      commandBucket = reader.u32();
      checkCommandBucket(known, commandBucket, start + 12);
      if (bucketsLength > reader.left) failWire("WIRE_LENGTH", `buckets of ${bucketsLength} bytes`, start + 8, "OFPBRC_BAD_LEN");
      buckets = readBuckets15(reader.part(bucketsLength), typeNumber);
      selection = readSelection(reader, typeNumber, known);
    } else {
      buckets = readBuckets11(reader);
      if (reader.version >= 4 && known === "delete" && buckets.length > 0) {
        failWire("WIRE_VALUE", "a delete has no buckets", start + 8, "OFPGMFC_INVALID_GROUP");
      }
    }
    const groupType = GROUP_TYPES[typeNumber];
    if (groupType === undefined) failWire("WIRE_VALUE", `group type ${typeNumber}`, start + 2, "OFPGMFC_BAD_TYPE");
    const command = known ?? failWire("WIRE_VALUE", `group command ${commandNumber}`, start, "OFPGMFC_BAD_COMMAND");
    const read = { command, groupType, group, commandBucket, buckets, ...(selection === undefined ? {} : { selection }) };
    checkGroup(read, start);
    return read;
  },
  encode(message, w, version, encoding): void {
    const start = w.reserve(encoding.minimum);
    for (const [number, name] of COMMANDS) if (name === message.command) w.view.setUint16(start, number);
    const groupType = GROUP_TYPES.indexOf(message.groupType);
    w.view.setUint8(start + 2, groupType);
    w.view.setUint32(start + 4, message.group);
    if (encoding.minimum !== 16) {
      for (const bucket of message.buckets) putBucket11(w, bucket, version);
      return;
    }
    w.view.setUint32(start + 12, message.commandBucket);
    putBuckets15(w, message.buckets, groupType, version);
    w.view.setUint16(start + 8, w.length - start - 16);
    if (message.selection !== undefined) putSelection(w, message.selection);
  },
};

export const groupStatsRequestCodec: BodyCodec<GroupStatsRequest> = {
  decode: (reader) => ({ group: reader.u32() }),
  encode(message, w): void {
    w.u32(message.group);
    w.u32(0);
  },
};

export const groupStatsReplyCodec: BodyCodec<GroupStatsReply> = {
  decode(reader): Body<GroupStatsReply> {
    const timed = reader.version === 1 || reader.version >= 4;
    const groups: GroupStats[] = [];
    while (reader.left > 0) {
      const part = readSized(reader, 0, timed ? 40 : 32, 1, "OFPBRC_BAD_LEN");
      part.skip(4);
      const group = part.u32();
      const referenceCount = part.u32();
      part.skip(4);
      const packetCount = part.u64();
      const byteCount = part.u64();
      const duration = timed ? { durationSeconds: part.u32(), durationNanoseconds: part.u32() } : {};
      const buckets: { packetCount: bigint; byteCount: bigint }[] = [];
      while (part.left >= 16) buckets.push({ packetCount: part.u64(), byteCount: part.u64() });
      groups.push({ group, referenceCount, packetCount, byteCount, ...duration, buckets });
    }
    return { groups };
  },
  encode(message, w, version): void {
    for (const stats of message.groups) {
      const start = w.reserve(16);
      w.view.setUint32(start + 4, stats.group);
      w.view.setUint32(start + 8, stats.referenceCount);
      w.u64(stats.packetCount);
      w.u64(stats.byteCount);
      if (version === 1 || version >= 4) {
        w.u32(stats.durationSeconds ?? 0xffffffff);
        w.u32(stats.durationNanoseconds ?? 0xffffffff);
      }
      for (const bucket of stats.buckets) {
        w.u64(bucket.packetCount);
        w.u64(bucket.byteCount);
      }
      w.view.setUint16(start, w.length - start);
    }
  },
};

export const groupDescRequestCodec: BodyCodec<GroupDescRequest> = {
  decode: (reader, encoding) => ({ group: encoding.minimum === 0 ? Group.all : reader.u32() }),
  encode(message, w, _version, encoding): void {
    if (encoding.minimum === 0) return;
    w.u32(message.group);
    w.u32(0);
  },
};

export const groupDescReplyCodec: BodyCodec<GroupDescReply> = {
  decode(reader): Body<GroupDescReply> {
    const extended = reader.version === 1 || reader.version === 6;
    const groups: GroupDescription[] = [];
    while (reader.left > 0) {
      const start = reader.at;
      const part = readSized(reader, 0, extended ? 16 : 8, 1, "OFPBRC_BAD_LEN");
      part.skip(2);
      const type = part.u8();
      part.skip(1);
      const group = part.u32();
      const groupType = GROUP_TYPES[type] ?? type;
      if (!extended) {
        groups.push({ group, groupType, buckets: readBuckets11(part) });
        continue;
      }
      const bucketsLength = part.u16();
      part.skip(6);
      if (bucketsLength > part.left) failWire("WIRE_LENGTH", `buckets of ${bucketsLength} bytes`, start + 8, "OFPBRC_BAD_LEN");
      const buckets = readBuckets15(part.part(bucketsLength), type);
      const selection = readSelection(part, type, "add");
      groups.push({ group, groupType, buckets, ...(selection === undefined ? {} : { selection }) });
    }
    return { groups };
  },
  encode(message, w, version): void {
    const extended = version === 1 || version === 6;
    for (const { group, groupType, buckets, selection } of message.groups) {
      const start = w.reserve(extended ? 16 : 8);
      const type = typeof groupType === "number" ? groupType : GROUP_TYPES.indexOf(groupType);
      w.view.setUint8(start + 2, type);
      w.view.setUint32(start + 4, group);
      if (extended) {
        putBuckets15(w, buckets, type, version);
        w.view.setUint16(start + 8, w.length - start - 16);
        if (selection !== undefined) putSelection(w, selection);
      } else {
        for (const bucket of buckets) putBucket11(w, bucket, version);
      }
      w.view.setUint16(start, w.length - start);
    }
  },
};

export const groupFeaturesReplyCodec: BodyCodec<GroupFeaturesReply> = {
  decode(reader): Body<GroupFeaturesReply> {
    const types = reader.u32();
    const capabilities = reader.u32();
    const maxGroups = Array.from({ length: 4 }, () => reader.u32());
    return { types, capabilities, maxGroups, actions: Array.from({ length: 4 }, () => reader.u32()) };
  },
  encode(message, w): void {
    w.u32(message.types);
    w.u32(message.capabilities);
    for (let i = 0; i < 4; i++) w.u32(message.maxGroups[i] ?? 0);
    for (let i = 0; i < 4; i++) w.u32(message.actions[i] ?? 0);
  },
};
