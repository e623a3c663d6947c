import type { ByteWriter } from "../bytes.ts";
import type { Body, BodyCodec, MessageHead, MultipartHead } from "./message-head.ts";
import { keepProperty, type OtherProperty, putOtherProperty, putPropertyU32, readSized } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { type Property, propertyU32, readProperty, type WireReader } from "./wire-reader.ts";

/** When a table warns of getting full: percent of space that is left. */
export interface TableVacancy {
  readonly down: number;
  readonly up: number;
  /** What is left now; 0 in a request. */
  readonly now: number;
}

/** Bits of a table's configuration in OpenFlow 1.4 and later. */
export const TableConfig = { eviction: 4, vacancyEvents: 8 } as const;

/** The settings of one table (OpenFlow 1.4 and later). */
export interface TableDescription {
  readonly table: number;
  /** Bits of {@link TableConfig}. */
  readonly config: number;
  /** What counts when a flow must go: 1 other, 2 importance, 4 lifetime. */
  readonly evictionFlags?: number;
  readonly vacancy?: TableVacancy;
  readonly properties?: readonly OtherProperty[];
}

export interface TableMod extends MessageHead, TableDescription {
  readonly type: "tableMod";
}

export interface TableStatus extends MessageHead {
  readonly type: "tableStatus";
  readonly reason: "vacancyDown" | "vacancyUp";
  readonly table: TableDescription;
}

export interface TableDescRequest extends MultipartHead {
  readonly type: "tableDescRequest";
}

export interface TableDescReply extends MultipartHead {
  readonly type: "tableDescReply";
  readonly tables: readonly TableDescription[];
}

const EVICTION = 2;
const VACANCY = 3;
const VACANCY_DOWN = 3;
const VACANCY_UP = 4;

function readVacancy(property: Property): TableVacancy {
  const { body } = property;
  if (body.left !== 4) failWire("WIRE_LENGTH", "vacancy property must have 8 bytes", property.start + 2, "OFPBPC_BAD_LEN");
  return { down: body.u8(), up: body.u8(), now: body.u8() };
}

interface TableProperties {
  evictionFlags?: number;
  vacancy?: TableVacancy;
  properties?: OtherProperty[];
}

function readTableProperties(reader: WireReader, unknown: (property: Property) => void): TableProperties {
  const read: TableProperties = {};
  while (reader.left > 0) {
    const property = readProperty(reader);
    if (property.type === EVICTION) read.evictionFlags = propertyU32(property);
    else if (property.type === VACANCY) read.vacancy = readVacancy(property);
    else {
      unknown(property);
      read.properties ??= [];
      read.properties.push(keepProperty(property));
    }
  }
  return read;
}

function readTableDescription(reader: WireReader): TableDescription {
  const part = readSized(reader, 0, 8, 1, "OFPBRC_BAD_LEN");
  part.skip(2);
  const table = part.u8();
  part.skip(1);
  const config = part.u32();
  return { table, config, ...readTableProperties(part, () => {}) };
}

function putTableProperties(w: ByteWriter, table: TableDescription): void {
  if (table.evictionFlags !== undefined) putPropertyU32(w, EVICTION, table.evictionFlags);
  if (table.vacancy !== undefined) {
    const at = w.reserve(8);
    w.view.setUint16(at, VACANCY);
    w.view.setUint16(at + 2, 8);
    w.view.setUint8(at + 4, table.vacancy.down);
    w.view.setUint8(at + 5, table.vacancy.up);
    w.view.setUint8(at + 6, table.vacancy.now);
  }
  for (const property of table.properties ?? []) putOtherProperty(w, property);
}

function putTableDescription(w: ByteWriter, table: TableDescription): void {
  const at = w.reserve(8);
  w.view.setUint8(at + 2, table.table);
  w.view.setUint32(at + 4, table.config);
  putTableProperties(w, table);
  w.view.setUint16(at, w.length - at);
}

export const tableModCodec: BodyCodec<TableMod> = {
  decode(reader): Body<TableMod> {
    const table = reader.u8();
    reader.skip(3);
    const config = reader.u32();
    const settings = readTableProperties(reader, (property) =>
      failWire("WIRE_MESSAGE", "a table-mod has no such property", property.start, "OFPBRC_BAD_TYPE"),
    );
    const { vacancy } = settings;
    if (vacancy !== undefined && (vacancy.down > vacancy.up || vacancy.up > 100 || vacancy.now !== 0)) {
      failWire("WIRE_VALUE", "vacancy limits are not percentages in order", reader.end - 4, "OFPBPC_BAD_VALUE");
    }
    return { table, config, ...settings };
  },
  encode(message, w, version): void {
    const at = w.reserve(8);
    w.view.setUint8(at, message.table);
    w.view.setUint32(at + 4, message.config);
    if (version >= 5) putTableProperties(w, message);
  },
};

export const tableStatusCodec: BodyCodec<TableStatus> = {
  decode(reader): Body<TableStatus> {
    const reason = reader.u8();
    if (reason !== VACANCY_DOWN && reason !== VACANCY_UP) reader.bad("reason is not known", 1, "OFPBPC_BAD_VALUE");
    reader.skip(7);
    const table = readTableDescription(reader);
    return { reason: reason === VACANCY_DOWN ? "vacancyDown" : "vacancyUp", table };
  },
  encode(message, w): void {
    const at = w.reserve(8);
    w.view.setUint8(at, message.reason === "vacancyDown" ? VACANCY_DOWN : VACANCY_UP);
    putTableDescription(w, message.table);
  },
};

export const tableDescReplyCodec: BodyCodec<TableDescReply> = {
  decode(reader): Body<TableDescReply> {
    const tables: TableDescription[] = [];
    while (reader.left > 0) tables.push(readTableDescription(reader));
    return { tables };
  },
  encode(message, w): void {
    for (const table of message.tables) putTableDescription(w, table);
  },
};
