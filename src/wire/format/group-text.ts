import { formatFieldValue } from "../../flow/field-format.ts";
import { readOxmHeader } from "../../flow/oxm.ts";
import { formatActionList } from "../../text/actions/format-instructions.ts";
import {
  Bucket,
  GROUP_TYPES,
  type GroupBucket,
  type GroupDescReply,
  type GroupFeaturesReply,
  type GroupMod,
  type GroupStatsReply,
  type GroupType,
  type SelectionMethod,
} from "../group.ts";
import { Group, Port } from "../port-number.ts";
import { actionBitmapText } from "./feature-names.ts";
import { alternateHex, durationText, type Format, hex, portText } from "./text-parts.ts";

/** Texts of messages about groups. */

/** A group by its number, or `ALL` and `ANY`. */
export function groupText(group: number): string {
  if (group === Group.all) return "ALL";
  return group === Group.any ? "ANY" : String(group);
}

const COMMANDS: Readonly<Record<GroupMod["command"], string>> = {
  add: "ADD",
  modify: "MOD",
  addOrModify: "ADD_OR_MOD",
  delete: "DEL",
  insertBucket: "INSERT_BUCKET",
  removeBucket: "REMOVE_BUCKET",
};

/** Bucket numbers show where the encoding has them. */
function bucketIdText(label: string, id: number, version: number): string {
  if (version > 1 && version < 6) return "";
  const names = new Map<number, string>([
    [Bucket.first, "first"],
    [Bucket.last, "last"],
    [Bucket.all, "all"],
  ]);
  return `${label}:${names.get(id) ?? id},`;
}

function selectionText(selection: SelectionMethod): string {
  let text = `,selection_method=${selection.method}`;
  if (selection.parameter !== 0n) text += `,selection_method_param=${selection.parameter}`;
  const fields = selectionFields(selection.fields);
  if (fields.length === 0) return text;
  return fields.length === 1 ? `${text},fields=${fields[0]}` : `${text},fields(${fields.join(",")})`;
}

function selectionFields(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: { id: number; text: string }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { field, payloadStart, payloadLength, size } = readOxmHeader(view, at, bytes.length);
    at += size;
    if (field === undefined) continue;
    const mask = bytes.slice(payloadStart, payloadStart + payloadLength);
    const exact = mask.every((byte) => byte === 0xff);
    found.push({ id: field.id, text: exact ? field.name : `${field.name}=${formatFieldValue(field, mask, undefined)}` });
  }
  return found.sort((a, b) => a.id - b.id).map(({ text }) => text);
}

interface Described {
  readonly group: number;
  readonly groupType: GroupType | number;
  readonly buckets: readonly GroupBucket[];
  readonly selection?: SelectionMethod;
}

function describe(group: Described, version: number, withType: boolean, format: Format): string {
  const { groupType } = group;
  let text = `group_id=${group.group}`;
  if (withType) text += `,type=${typeof groupType === "number" ? "unknown" : groupType}`;
  if (group.selection !== undefined) text += selectionText(group.selection);
  for (const bucket of group.buckets) text += `,bucket=${bucketText(bucket, groupType, version, format)}`;
  return text;
}

function bucketText(bucket: GroupBucket, groupType: GroupType | number, version: number, format: Format): string {
  let text = bucketIdText("bucket_id", bucket.id, version);
  if (bucket.weight !== (groupType === "select" ? 1 : 0)) text += `weight:${bucket.weight},`;
  if (bucket.watchPort !== Port.any) text += `watch_port:${portText(bucket.watchPort, format)},`;
  if (bucket.watchGroup !== Group.any) text += `watch_group:${bucket.watchGroup},`;
  return `${text}actions=${formatActionList(bucket.actions, { names: format.names })}`;
}

export function groupModText(message: GroupMod, format: Format): string {
  const { command, version } = message;
  const buckets = command === "insertBucket" || command === "removeBucket";
  const place = buckets ? bucketIdText("command_bucket_id", message.commandBucket, version) : "";
  return `\n ${COMMANDS[command]} ${place}${describe(message, version, !buckets, format)}`;
}

export function groupDescText(message: GroupDescReply, format: Format): string {
  return message.groups.map((group) => `\n ${describe(group, message.version, true, format)}`).join("");
}

const UNKNOWN = 0xffff_ffff_ffff_ffffn;

export function groupStatsText(message: GroupStatsReply): string {
  let text = "";
  for (const stats of message.groups) {
    text += `\n group_id=${stats.group},`;
    const seconds = stats.durationSeconds ?? 0xffffffff;
    if (seconds !== 0xffffffff) text += `duration=${durationText(seconds, stats.durationNanoseconds ?? 0)},`;
    text += `ref_count=${stats.referenceCount},packet_count=${stats.packetCount},byte_count=${stats.byteCount}`;
    stats.buckets.forEach(({ packetCount, byteCount }, i) => {
      if (packetCount !== UNKNOWN) text += `,bucket${i}:packet_count=${packetCount},byte_count=${byteCount}`;
    });
  }
  return text;
}

const TYPE_NAMES: readonly string[] = ["all", "select", "indirect", "fast failover"];

export function groupFeaturesText(message: GroupFeaturesReply): string {
  let text = `\n Group table:\n    Types:  ${hex(message.types)}\n    Capabilities:  ${hex(message.capabilities)}\n`;
  GROUP_TYPES.forEach((_, i) => {
    if (((message.types >>> i) & 1) === 0) return;
    const actions = actionBitmapText(message.actions[i] ?? 0, message.version);
    text += `    ${TYPE_NAMES[i]} group:\n       max_groups=${alternateHex(message.maxGroups[i] ?? 0)}\n`;
    text += `       actions: ${actions}\n`;
  });
  return text;
}
