import type { ByteWriter } from "../bytes.ts";
import type { Body, BodyCodec, MessageHead, MultipartHead } from "./message-head.ts";
import { failWire } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** Meter numbers with a meaning of their own. */
export const Meter = { max: 0xffff0000, slowpath: 0xfffffffd, controller: 0xfffffffe, all: 0xffffffff } as const;

/** Bits of a meter's flags. */
export const MeterFlag = { kbps: 1, pktps: 2, burst: 4, stats: 8 } as const;

export interface MeterBand {
  readonly band: "drop" | "dscpRemark";
  /** In the meter's unit. */
  readonly rate: number;
  readonly burstSize: number;
  /** By how much `dscpRemark` raises the drop precedence; 0 otherwise. */
  readonly precedenceLevel: number;
}

export interface MeterConfig {
  readonly meter: number;
  /** Bits of {@link MeterFlag}. */
  readonly flags: number;
  readonly bands: readonly MeterBand[];
}

export interface MeterMod extends MessageHead, MeterConfig {
  readonly type: "meterMod";
  readonly command: "add" | "modify" | "delete";
}

export interface MeterRequest extends MultipartHead {
  readonly type: "meterStatsRequest" | "meterConfigRequest";
  /** `Meter.all` = all. */
  readonly meter: number;
}

export interface MeterStatsRequest extends MeterRequest {
  readonly type: "meterStatsRequest";
}

export interface MeterConfigRequest extends MeterRequest {
  readonly type: "meterConfigRequest";
}

export interface MeterConfigReply extends MultipartHead {
  readonly type: "meterConfigReply";
  readonly meters: readonly MeterConfig[];
}

export interface MeterStats {
  readonly meter: number;
  readonly flowCount: number;
  readonly packetCount: bigint;
  readonly byteCount: bigint;
  readonly durationSeconds: number;
  readonly durationNanoseconds: number;
  readonly bands: readonly { readonly packetCount: bigint; readonly byteCount: bigint }[];
}

export interface MeterStatsReply extends MultipartHead {
  readonly type: "meterStatsReply";
  readonly meters: readonly MeterStats[];
}

export interface MeterFeaturesRequest extends MultipartHead {
  readonly type: "meterFeaturesRequest";
}

export interface MeterFeaturesReply extends MultipartHead {
  readonly type: "meterFeaturesReply";
  readonly maxMeters: number;
  /** Bit n = band type n: 1 drop, 2 DSCP remark. */
  readonly bandTypes: number;
  /** Bits of {@link MeterFlag}. */
  readonly capabilities: number;
  readonly maxBands: number;
  readonly maxColor: number;
}

const COMMANDS: readonly MeterMod["command"][] = ["add", "modify", "delete"];
const DROP = 1;
const DSCP_REMARK = 2;
const BAND_BYTES = 16;

function readBands(reader: WireReader): MeterBand[] {
  const bands: MeterBand[] = [];
  while (reader.left >= BAND_BYTES) {
    const start = reader.at;
    const type = reader.u16();
    if (reader.u16() !== BAND_BYTES) failWire("WIRE_LENGTH", "a meter band has 16 bytes", start + 2, "OFPBRC_BAD_LEN");
    if (type !== DROP && type !== DSCP_REMARK) failWire("WIRE_VALUE", "no such meter band", start, "OFPMMFC_BAD_BAND");
    const rate = reader.u32();
    const burstSize = reader.u32();
    const level = reader.u8();
    reader.skip(3);
    const remark = type === DSCP_REMARK;
    bands.push({ band: remark ? "dscpRemark" : "drop", rate, burstSize, precedenceLevel: remark ? level : 0 });
  }
  if (reader.left > 0) failWire("WIRE_LENGTH", "bytes are left behind the last band", reader.at, "OFPBRC_BAD_LEN");
  return bands;
}

function putBands(w: ByteWriter, bands: readonly MeterBand[]): void {
  for (const band of bands) {
    const at = w.reserve(BAND_BYTES);
    w.view.setUint16(at, band.band === "drop" ? DROP : DSCP_REMARK);
    w.view.setUint16(at + 2, BAND_BYTES);
    w.view.setUint32(at + 4, band.rate);
    w.view.setUint32(at + 8, band.burstSize);
    w.view.setUint8(at + 12, band.precedenceLevel);
  }
}

export const meterModCodec: BodyCodec<MeterMod> = {
  decode(reader): Body<MeterMod> {
    const command = COMMANDS[reader.u16()] ?? reader.bad("command is not known", 2, "OFPMMFC_BAD_COMMAND");
    const flags = reader.u16();
    const meter = reader.u32();
    if (command === "delete") return { command, meter, flags: 0, bands: [] };
    if ((flags & 3) === 3) reader.bad("a meter has one unit", 6, "OFPMMFC_BAD_FLAGS");
    return { command, meter, flags, bands: readBands(reader) };
  },
  encode(message, w): void {
    const at = w.reserve(8);
    w.view.setUint16(at, COMMANDS.indexOf(message.command));
    w.view.setUint16(at + 2, message.flags);
    w.view.setUint32(at + 4, message.meter);
    putBands(w, message.bands);
  },
};

export const meterRequestCodec: BodyCodec<MeterRequest> = {
  decode: (reader) => ({ meter: reader.u32() }),
  encode(message, w): void {
    w.u32(message.meter);
    w.u32(0);
  },
};

/** The reader of one record: Open vSwitch takes the length at face value, and refuses what does not fit. */
function record(reader: WireReader, lengthAt: number, header: number): WireReader {
  reader.need(header, "a meter", "OFPBRC_BAD_LEN");
  const length = reader.view.getUint16(reader.at + lengthAt);
  if (length < header || length > reader.left) {
    failWire("WIRE_LENGTH", `meter of ${length} bytes`, reader.at + lengthAt, "OFPBRC_BAD_LEN");
  }
  return reader.part(length);
}

export const meterConfigReplyCodec: BodyCodec<MeterConfigReply> = {
  decode(reader): Body<MeterConfigReply> {
    const meters: MeterConfig[] = [];
    while (reader.left > 0) {
      const part = record(reader, 0, 8);
      part.skip(2);
      const flags = part.u16();
      const meter = part.u32();
      meters.push({ meter, flags, bands: readBands(part) });
    }
    return { meters };
  },
  encode(message, w): void {
    for (const meter of message.meters) {
      const start = w.reserve(8);
      w.view.setUint16(start + 2, meter.flags);
      w.view.setUint32(start + 4, meter.meter);
      putBands(w, meter.bands);
      w.view.setUint16(start, w.length - start);
    }
  },
};

export const meterStatsReplyCodec: BodyCodec<MeterStatsReply> = {
  decode(reader): Body<MeterStatsReply> {
    const meters: MeterStats[] = [];
    while (reader.left > 0) {
      const start = reader.at;
      const part = record(reader, 4, 40);
      const meter = part.u32();
      part.skip(8);
      const flowCount = part.u32();
      const packetCount = part.u64();
      const byteCount = part.u64();
      const durationSeconds = part.u32();
      const durationNanoseconds = part.u32();
      if (part.left % 16 !== 0) failWire("WIRE_LENGTH", "band counters have 16 bytes each", start + 4, "OFPBRC_BAD_LEN");
      const bands: { packetCount: bigint; byteCount: bigint }[] = [];
      while (part.left > 0) bands.push({ packetCount: part.u64(), byteCount: part.u64() });
      meters.push({ meter, flowCount, packetCount, byteCount, durationSeconds, durationNanoseconds, bands });
    }
    return { meters };
  },
  encode(message, w): void {
    for (const stats of message.meters) {
      const start = w.reserve(16);
      w.view.setUint32(start, stats.meter);
      w.view.setUint32(start + 12, stats.flowCount);
      w.u64(stats.packetCount);
      w.u64(stats.byteCount);
      w.u32(stats.durationSeconds);
      w.u32(stats.durationNanoseconds);
      for (const band of stats.bands) {
        w.u64(band.packetCount);
        w.u64(band.byteCount);
      }
      w.view.setUint16(start + 4, w.length - start);
    }
  },
};

export const meterFeaturesReplyCodec: BodyCodec<MeterFeaturesReply> = {
  decode(reader): Body<MeterFeaturesReply> {
    const maxMeters = reader.u32();
    const bandTypes = reader.u32();
    const capabilities = reader.u32();
    const maxBands = reader.u8();
    const maxColor = reader.u8();
    return { maxMeters, bandTypes, capabilities, maxBands, maxColor };
  },
  encode(message, w): void {
    const at = w.reserve(16);
    w.view.setUint32(at, message.maxMeters);
    w.view.setUint32(at + 4, message.bandTypes);
    w.view.setUint32(at + 8, message.capabilities);
    w.view.setUint8(at + 12, message.maxBands);
    w.view.setUint8(at + 13, message.maxColor);
  },
};
