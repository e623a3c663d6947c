import type { ByteWriter } from "../bytes.ts";
import { readOxmHeader } from "../flow/oxm.ts";
import { type Body, type BodyCodec, type MultipartHead, putText } from "./message-head.ts";
import { beginProperty, endProperty, keepProperty, type OtherProperty, putOtherProperty, readSized } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { type Property, readProperty, type WireReader } from "./wire-reader.ts";

/** Which tables, instructions, actions or fields a property of a table lists. */
export type TableFeatureName =
  | "instructions"
  | "instructionsMiss"
  | "nextTables"
  | "nextTablesMiss"
  | "writeActions"
  | "writeActionsMiss"
  | "applyActions"
  | "applyActionsMiss"
  | "match"
  | "wildcards"
  | "writeSetField"
  | "writeSetFieldMiss"
  | "applySetField"
  | "applySetFieldMiss";

/** {@link TableFeatureName} by property type; 9, 11, 15 and the experimenters' have no entry. */
export const TABLE_FEATURES: readonly (TableFeatureName | undefined)[] = [
  "instructions",
  "instructionsMiss",
  "nextTables",
  "nextTablesMiss",
  "writeActions",
  "writeActionsMiss",
  "applyActions",
  "applyActionsMiss",
  "match",
  undefined,
  "wildcards",
  undefined,
  "writeSetField",
  "writeSetFieldMiss",
  "applySetField",
  "applySetFieldMiss",
];

/** An instruction or action by number; an experimenter's has its id and whatever follows. */
export interface FeatureId {
  readonly id: number;
  readonly data?: Uint8Array;
}

/** One property of a table. */
export type TableFeatureProperty =
  | { readonly feature: TableFeatureName; readonly ids: readonly FeatureId[] }
  | { readonly feature: TableFeatureName; readonly tables: readonly number[] }
  /** Headers of fields, 4 bytes each (8 with an experimenter id), in hexadecimal. */
  | { readonly feature: TableFeatureName; readonly fields: readonly FeatureField[] }
  | { readonly feature: "other"; readonly property: OtherProperty };

/** A field that a table can match or set. */
export interface FeatureField {
  /** Name in text, such as `eth_src`; absent when it is not known. */
  readonly field?: string;
  /** The header as it came. */
  readonly header: Uint8Array;
  readonly masked: boolean;
}

/** What one table can do. */
export interface TableFeatures {
  readonly table: number;
  /** 0 replace, 1 modify, 2 enable, 3 disable; OpenFlow 1.5. */
  readonly command: number;
  readonly name: string;
  readonly metadataMatch: bigint;
  readonly metadataWrite: bigint;
  /** Bits: 4 eviction, 8 vacancy events; OpenFlow 1.4 and later. */
  readonly capabilities: number;
  readonly maxEntries: number;
  readonly properties: readonly TableFeatureProperty[];
}

export interface TableFeaturesMessage extends MultipartHead {
  readonly type: "tableFeaturesRequest" | "tableFeaturesReply";
  readonly tables: readonly TableFeatures[];
}

export interface TableFeaturesRequest extends TableFeaturesMessage {
  readonly type: "tableFeaturesRequest";
}

export interface TableFeaturesReply extends TableFeaturesMessage {
  readonly type: "tableFeaturesReply";
}

/** Properties 0, 2, 4, 6, 8, 10, 12 and 14 belong to every table. */
const REQUIRED = 0x5555;

function readIds(property: Property): FeatureId[] {
  const { body } = property;
  const ids: FeatureId[] = [];
  while (body.left > 0) {
    const start = body.at;
    body.need(4, "an id", "OFPBPC_BAD_LEN");
    const id = body.u16();
    const length = body.u16();
    if (length < 4 || length - 4 > body.left) failWire("WIRE_LENGTH", `id of ${length} bytes`, start + 2, "OFPBPC_BAD_LEN");
    ids.push(length > 4 ? { id, data: body.take(length - 4) } : { id });
  }
  return ids;
}

function readFields(property: Property, maskable: boolean): FeatureField[] {
  const { body } = property;
  const fields: FeatureField[] = [];
  while (body.left > 0) {
    const start = body.at;
    const header = readOxmHeader(body.view, start, body.end);
    const size = header.payloadStart - start;
    body.skip(size);
    if (header.field !== undefined && header.masked && !maskable) {
      failWire("WIRE_VALUE", "a mask has no meaning here", start, "OFPBMC_BAD_MASK");
    }
    const bytes = body.bytes.slice(start, start + size);
    fields.push({ ...(header.field === undefined ? {} : { field: header.field.name }), header: bytes, masked: header.masked });
  }
  return fields;
}

function readFeatureProperty(property: Property): TableFeatureProperty {
  const feature = TABLE_FEATURES[property.type];
  switch (feature) {
    case undefined:
      return { feature: "other", property: keepProperty(property) };
    case "instructions":
    case "instructionsMiss":
    case "writeActions":
    case "writeActionsMiss":
    case "applyActions":
    case "applyActionsMiss":
      return { feature, ids: readIds(property) };
    case "nextTables":
    case "nextTablesMiss": {
      const tables = [...property.body.rest()];
      if (tables.includes(255)) failWire("WIRE_VALUE", "table 255 is all tables", property.start + 4, "OFPBPC_BAD_VALUE");
      return { feature, tables };
    }
    default:
      return { feature, fields: readFields(property, feature === "match") };
  }
}

function readTableFeatures(reader: WireReader): TableFeatures {
  const start = reader.at;
  const part = readSized(reader, 0, 64, 8, "OFPBPC_BAD_LEN");
  part.skip(2);
  const table = part.u8();
  const command = part.u8();
  if (reader.version >= 6 && command > 3) part.bad("command is not known", 1, "OFPTFFC_BAD_COMMAND");
  if (table === 255) failWire("WIRE_VALUE", "features belong to one table", start + 2, "OFPTFFC_BAD_TABLE");
  part.skip(4);
  const name = part.text(32);
  const metadataMatch = part.u64();
  const metadataWrite = part.u64();
  const capabilities = part.u32();
  const maxEntries = part.u32();
  const properties: TableFeatureProperty[] = [];
  let seen = 0;
  while (part.left > 0) {
    const property = readProperty(part);
    if (property.type < 32) {
      if ((seen & (1 << property.type)) !== 0) {
        failWire("WIRE_VALUE", "a property comes twice", property.start, "OFPTFFC_BAD_FEATURES");
      }
      seen |= 1 << property.type;
    }
    properties.push(readFeatureProperty(property));
  }
  if ((seen & REQUIRED) !== REQUIRED && (properties.length > 0 || reader.version < 6)) {
    failWire("WIRE_VALUE", "a required property is missing", start, "OFPTFFC_BAD_FEATURES");
  }
  return { table, command, name, metadataMatch, metadataWrite, capabilities, maxEntries, properties };
}

function putFeatureProperty(w: ByteWriter, property: TableFeatureProperty): void {
  if (property.feature === "other") {
    putOtherProperty(w, property.property);
    return;
  }
  const start = beginProperty(w, TABLE_FEATURES.indexOf(property.feature));
  if ("ids" in property) {
    for (const { id, data } of property.ids) {
      w.u16(id);
      w.u16(4 + (data?.length ?? 0));
      if (data !== undefined) w.bytes(data);
    }
  } else if ("tables" in property) {
    for (const table of property.tables) w.u8(table);
  } else {
    for (const { header } of property.fields) w.bytes(header);
  }
  endProperty(w, start);
}

export const tableFeaturesCodec: BodyCodec<TableFeaturesMessage> = {
  decode(reader): Body<TableFeaturesMessage> {
    const tables: TableFeatures[] = [];
    while (reader.left > 0) tables.push(readTableFeatures(reader));
    return { tables };
  },
  encode(message, w, version): void {
    for (const table of message.tables) {
      const start = w.reserve(8);
      w.view.setUint8(start + 2, table.table);
      if (version >= 6) w.view.setUint8(start + 3, table.command);
      putText(w, table.name, 32);
      w.u64(table.metadataMatch);
      w.u64(table.metadataWrite);
      w.u32(table.capabilities);
      w.u32(table.maxEntries);
      for (const property of table.properties) putFeatureProperty(w, property);
      w.view.setUint16(start, w.length - start);
    }
  },
};
