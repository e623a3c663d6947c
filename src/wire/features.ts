import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import { type PortDescription, putPortDescription, readPortDescription } from "./port.ts";

export interface FeaturesRequest extends MessageHead {
  readonly type: "featuresRequest";
}

/** What the switch is. */
export interface FeaturesReply extends MessageHead {
  readonly type: "featuresReply";
  /** 64 bits. */
  readonly datapathId: bigint;
  readonly buffers: number;
  readonly tables: number;
  /** 0 = the main connection; OpenFlow 1.3 and later. */
  readonly auxiliaryId: number;
  /** Bits as the version defines them. */
  readonly capabilities: number;
  /** OpenFlow 1.0: bit per action; later versions reserve it. */
  readonly actions: number;
  /** OpenFlow 1.0 to 1.2; empty later. */
  readonly ports: readonly PortDescription[];
}

export interface GetConfigRequest extends MessageHead {
  readonly type: "getConfigRequest";
}

/** How the switch treats fragments and how much of a packet it sends. */
export interface ConfigMessage extends MessageHead {
  readonly type: "getConfigReply" | "setConfig";
  /** Bits 0–1: fragments normal (0), drop (1), reassemble (2), Nicira's match (3). Bit 2: invalid TTL to controller (to 1.2). */
  readonly flags: number;
  /** Bytes of a packet that misses the table. */
  readonly missSendLength: number;
}

export interface GetConfigReply extends ConfigMessage {
  readonly type: "getConfigReply";
}

export interface SetConfig extends ConfigMessage {
  readonly type: "setConfig";
}

export const featuresReplyCodec: BodyCodec<FeaturesReply> = {
  decode(reader, encoding): Body<FeaturesReply> {
    const datapathId = reader.u64();
    const buffers = reader.u32();
    const tables = reader.u8();
    const auxiliary = reader.u8();
    reader.skip(2);
    const capabilities = reader.u32();
    const actions = reader.u32();
    const ports: PortDescription[] = [];
    while (reader.left > 0) ports.push(readPortDescription(reader));
    return {
      datapathId,
      buffers,
      tables,
      auxiliaryId: encoding.firstVersion >= 4 ? auxiliary : 0,
      capabilities,
      actions,
      ports,
    };
  },
  encode(message, w, version): void {
    const at = w.reserve(24);
    w.view.setBigUint64(at, message.datapathId);
    w.view.setUint32(at + 8, message.buffers);
    w.view.setUint8(at + 12, message.tables);
    if (version >= 4) w.view.setUint8(at + 13, message.auxiliaryId);
    w.view.setUint32(at + 16, message.capabilities);
    w.view.setUint32(at + 20, message.actions);
    if (version < 4) for (const port of message.ports) putPortDescription(w, port, version);
  },
};

export const configCodec: BodyCodec<ConfigMessage> = {
  decode(reader, encoding): Body<ConfigMessage> {
    const flags = reader.u16();
    const valid = reader.version < 4 ? 7 : 3;
    if (encoding.type === "setConfig" && (flags & ~valid) !== 0) {
      reader.bad(`configuration flags 0x${flags.toString(16)}`, 2, "OFPSCFC_BAD_FLAGS");
    }
    return { flags, missSendLength: reader.u16() };
  },
  encode(message, w): void {
    const at = w.reserve(4);
    w.view.setUint16(at, message.flags);
    w.view.setUint16(at + 2, message.missSendLength);
  },
};
