import type { ByteWriter } from "../bytes.ts";
import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import type { WireReader } from "./wire-reader.ts";

/** Which tunnel option a `tun_metadataN` field stands for. */
export interface TlvMapping {
  readonly optionClass: number;
  readonly optionType: number;
  /** Bytes: a multiple of 4, at most 124. */
  readonly optionLength: number;
  /** N of `tun_metadataN`. */
  readonly index: number;
}

export interface TlvTableMod extends MessageHead {
  readonly type: "tlvTableMod";
  readonly command: "add" | "delete" | "clear";
  readonly mappings: readonly TlvMapping[];
}

export interface TlvTableRequest extends MessageHead {
  readonly type: "tlvTableRequest";
}

export interface TlvTableReply extends MessageHead {
  readonly type: "tlvTableReply";
  /** Bytes for all options together. */
  readonly maxOptionSpace: number;
  readonly maxFields: number;
  readonly mappings: readonly TlvMapping[];
}

const COMMANDS: readonly TlvTableMod["command"][] = ["add", "delete", "clear"];
const FIELDS = 64;

function readMappings(reader: WireReader, maxFields: number): TlvMapping[] {
  const mappings: TlvMapping[] = [];
  while (reader.left > 0) {
    const optionClass = reader.u16();
    const optionType = reader.u8();
    const optionLength = reader.u8();
    if (optionLength % 4 !== 0 || optionLength > 124) reader.bad("no option has that length", 1, "NXTTMFC_BAD_OPT_LEN");
    const index = reader.u16();
    if (index >= maxFields) reader.bad(`tun_metadata${index}`, 2, "NXTTMFC_BAD_FIELD_IDX");
    reader.skip(2);
    mappings.push({ optionClass, optionType, optionLength, index });
  }
  return mappings;
}

function putMappings(w: ByteWriter, mappings: readonly TlvMapping[]): void {
  for (const mapping of mappings) {
    const at = w.reserve(8);
    w.view.setUint16(at, mapping.optionClass);
    w.view.setUint8(at + 2, mapping.optionType);
    w.view.setUint8(at + 3, mapping.optionLength);
    w.view.setUint16(at + 4, mapping.index);
  }
}

export const tlvTableModCodec: BodyCodec<TlvTableMod> = {
  decode(reader): Body<TlvTableMod> {
    const command = COMMANDS[reader.u16()] ?? reader.bad("command is not known", 2, "NXTTMFC_BAD_COMMAND");
    reader.skip(6);
    return { command, mappings: readMappings(reader, FIELDS) };
  },
  encode(message, w): void {
    const at = w.reserve(8);
    w.view.setUint16(at, COMMANDS.indexOf(message.command));
    putMappings(w, message.mappings);
  },
};

export const tlvTableReplyCodec: BodyCodec<TlvTableReply> = {
  decode(reader): Body<TlvTableReply> {
    const maxOptionSpace = reader.u32();
    const maxFields = reader.u16();
    reader.skip(10);
    return { maxOptionSpace, maxFields, mappings: readMappings(reader, maxFields) };
  },
  encode(message, w): void {
    const at = w.reserve(16);
    w.view.setUint32(at, message.maxOptionSpace);
    w.view.setUint16(at + 4, message.maxFields);
    putMappings(w, message.mappings);
  },
};
