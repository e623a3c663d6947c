import type { ByteWriter } from "../bytes.ts";
import type { Body, BodyCodec, MultipartHead } from "./message-head.ts";
import { Port, portFrom16, portTo16, readPort32 } from "./port-number.ts";
import { keepProperty, type OtherProperty, putOtherProperty, readSized } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { propertyU16, readProperty, type WireReader } from "./wire-reader.ts";

/** Every queue. */
export const ALL_QUEUES = 0xffffffff;

export interface QueueStatsRequest extends MultipartHead {
  readonly type: "queueStatsRequest";
  /** `Port.any` = all. */
  readonly port: number;
  /** {@link ALL_QUEUES} = all. */
  readonly queue: number;
}

export interface QueueStats {
  readonly port: number;
  readonly queue: number;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
  readonly txErrors: bigint;
  /** OpenFlow 1.3 and later; all ones = not known. */
  readonly durationSeconds?: number;
  readonly durationNanoseconds?: number;
  /** Raw properties of OpenFlow 1.4 and later, with their padding. */
  readonly properties?: Uint8Array;
}

export interface QueueStatsReply extends MultipartHead {
  readonly type: "queueStatsReply";
  readonly queues: readonly QueueStats[];
}

/** Which queues a port has: QUEUE_GET_CONFIG up to OpenFlow 1.3, queue descriptions later. */
export interface QueueConfigRequest extends MultipartHead {
  readonly type: "queueConfigRequest";
  readonly port: number;
  /** OpenFlow 1.4 and later; {@link ALL_QUEUES} = all. */
  readonly queue: number;
}

export interface QueueConfig {
  readonly port: number;
  readonly queue: number;
  /** Tenths of a percent; above 1000 = disabled. Absent: not told. */
  readonly minRate?: number;
  readonly maxRate?: number;
  readonly properties?: readonly OtherProperty[];
}

export interface QueueConfigReply extends MultipartHead {
  readonly type: "queueConfigReply";
  /** Which port the reply is about, up to OpenFlow 1.3. */
  readonly port?: number;
  readonly queues: readonly QueueConfig[];
}

const MIN_RATE = 1;
const MAX_RATE = 2;

export const queueStatsRequestCodec: BodyCodec<QueueStatsRequest> = {
  decode(reader): Body<QueueStatsRequest> {
    if (reader.version > 1) return { port: readPort32(reader), queue: reader.u32() };
    const port = portFrom16(reader.u16());
    reader.skip(2);
    // OpenFlow 1.0 says "all" where later versions say "any".
    return { port: port === Port.all ? Port.any : port, queue: reader.u32() };
  },
  encode(message, w, version): void {
    const at = w.reserve(8);
    if (version === 1) w.view.setUint16(at, portTo16(message.port === Port.any ? Port.all : message.port, "port"));
    else w.view.setUint32(at, message.port);
    w.view.setUint32(at + 4, message.queue);
  },
};

function readQueueStats(reader: WireReader): QueueStats {
  const part = reader.version < 5 ? reader : readSized(reader, 0, 48, 1, "OFPBRC_BAD_LEN");
  if (reader.version >= 5) part.skip(8);
  const port = reader.version === 1 ? portFrom16(part.u16()) : readPort32(part);
  if (reader.version === 1) part.skip(2);
  const queue = part.u32();
  const txBytes = part.u64();
  const txPackets = part.u64();
  const stats = { port, queue, txBytes, txPackets, txErrors: part.u64() };
  if (reader.version < 4) return stats;
  const durationSeconds = part.u32();
  const durationNanoseconds = part.u32();
  const properties = reader.version >= 5 && part.left > 0 ? { properties: part.rest() } : {};
  return { ...stats, durationSeconds, durationNanoseconds, ...properties };
}

export const queueStatsReplyCodec: BodyCodec<QueueStatsReply> = {
  decode(reader): Body<QueueStatsReply> {
    const queues: QueueStats[] = [];
    while (reader.left > 0) queues.push(readQueueStats(reader));
    return { queues };
  },
  encode(message, w, version): void {
    for (const stats of message.queues) {
      const start = version >= 5 ? w.reserve(8) : w.length;
      const at = w.reserve(8);
      if (version === 1) w.view.setUint16(at, portTo16(stats.port, "port"));
      else w.view.setUint32(at, stats.port);
      w.view.setUint32(at + 4, stats.queue);
      w.u64(stats.txBytes);
      w.u64(stats.txPackets);
      w.u64(stats.txErrors);
      if (version >= 4) {
        w.u32(stats.durationSeconds ?? 0xffffffff);
        w.u32(stats.durationNanoseconds ?? 0xffffffff);
      }
      if (version >= 5) {
        if (stats.properties !== undefined) w.bytes(stats.properties);
        w.view.setUint16(start, w.length - start);
      }
    }
  },
};

export const queueConfigRequestCodec: BodyCodec<QueueConfigRequest> = {
  decode(reader): Body<QueueConfigRequest> {
    const { version } = reader;
    const port = version === 1 ? portFrom16(reader.u16()) : readPort32(reader);
    if (version >= 5) return { port, queue: reader.u32() };
    if (port >= Port.max && !(version > 1 && port === Port.any)) {
      reader.bad(`port ${port} has no queues`, version === 1 ? 2 : 4, "OFPQOFC_BAD_PORT");
    }
    return { port, queue: ALL_QUEUES };
  },
  encode(message, w, version): void {
    if (version === 1) {
      w.u16(portTo16(message.port, "port"));
      w.u16(0);
      return;
    }
    w.u32(message.port);
    w.u32(version >= 5 ? message.queue : 0);
  },
};

interface QueueSettings {
  minRate?: number;
  maxRate?: number;
  properties?: OtherProperty[];
}

/** Properties up to OpenFlow 1.3: 8 bytes of header, multiples of 8. */
function readLegacyProperties(part: WireReader): QueueSettings {
  const read: QueueSettings = {};
  while (part.left > 0) {
    const start = part.at;
    part.need(4, "a queue property", "OFPBRC_BAD_LEN");
    const type = part.u16();
    const length = part.u16();
    if (length < 8 || length - 4 > part.left || length % 8 !== 0) {
      failWire("WIRE_LENGTH", `queue property of ${length} bytes`, start + 2, "OFPBRC_BAD_LEN");
    }
    const body = part.part(length - 4);
    if (type !== MIN_RATE && type !== MAX_RATE) {
      read.properties ??= [];
      read.properties.push({ type, data: body.rest() });
      continue;
    }
    if (length !== 16) failWire("WIRE_LENGTH", "a rate has 16 bytes", start + 2, "OFPBRC_BAD_LEN");
    body.skip(4);
    if (type === MIN_RATE) read.minRate = body.u16();
    else read.maxRate = body.u16();
  }
  return read;
}

function readProperties(part: WireReader): QueueSettings {
  const read: QueueSettings = {};
  while (part.left > 0) {
    const property = readProperty(part);
    if (property.type === MIN_RATE) read.minRate = propertyU16(property);
    else if (property.type === MAX_RATE) read.maxRate = propertyU16(property);
    else {
      read.properties ??= [];
      read.properties.push(keepProperty(property));
    }
  }
  return read;
}

function putLegacyProperties(w: ByteWriter, config: QueueConfig): void {
  for (const [type, rate] of [
    [MIN_RATE, config.minRate],
    [MAX_RATE, config.maxRate],
  ] as const) {
    if (rate === undefined) continue;
    const at = w.reserve(16);
    w.view.setUint16(at, type);
    w.view.setUint16(at + 2, 16);
    w.view.setUint16(at + 8, rate);
  }
  for (const property of config.properties ?? []) {
    w.u16(property.type);
    w.u16(4 + property.data.length);
    w.bytes(property.data);
  }
}

function putProperties(w: ByteWriter, config: QueueConfig): void {
  for (const [type, rate] of [
    [MIN_RATE, config.minRate],
    [MAX_RATE, config.maxRate],
  ] as const) {
    if (rate === undefined) continue;
    const at = w.reserve(8);
    w.view.setUint16(at, type);
    w.view.setUint16(at + 2, 8);
    w.view.setUint16(at + 4, rate);
  }
  for (const property of config.properties ?? []) putOtherProperty(w, property);
}

export const queueConfigReplyCodec: BodyCodec<QueueConfigReply> = {
  decode(reader): Body<QueueConfigReply> {
    const { version } = reader;
    const queues: QueueConfig[] = [];
    if (version >= 5) {
      while (reader.left > 0) {
        const part = readSized(reader, 8, 16, 8, "OFPBRC_BAD_LEN");
        const port = readPort32(part);
        const queue = part.u32();
        part.skip(8);
        queues.push({ port, queue, ...readProperties(part) });
      }
      return { queues };
    }
    const port = version === 1 ? portFrom16(reader.u16()) : readPort32(reader);
    reader.skip(version === 1 ? 6 : 4);
    const header = version < 3 ? 8 : 16;
    while (reader.left > 0) {
      const part = readSized(reader, version < 3 ? 4 : 8, header, 8, "OFPBRC_BAD_LEN");
      const start = part.at;
      const queue = part.u32();
      part.at = start + header;
      queues.push({ port, queue, ...readLegacyProperties(part) });
    }
    return { port, queues };
  },
  encode(message, w, version): void {
    if (version < 5) {
      const at = w.reserve(8);
      const port = message.port ?? message.queues[0]?.port ?? 0;
      if (version === 1) w.view.setUint16(at, portTo16(port, "port"));
      else w.view.setUint32(at, port);
    }
    for (const config of message.queues) {
      const start = w.reserve(version < 3 ? 8 : 16);
      if (version < 3) {
        w.view.setUint32(start, config.queue);
        putLegacyProperties(w, config);
        w.view.setUint16(start + 4, w.length - start);
        continue;
      }
      w.view.setUint32(start, version < 5 ? config.queue : config.port);
      w.view.setUint32(start + 4, version < 5 ? config.port : config.queue);
      if (version < 5) putLegacyProperties(w, config);
      else putProperties(w, config);
      w.view.setUint16(start + 8, w.length - start);
    }
  },
};
