import type { Body, BodyCodec, MessageHead } from "./message-head.ts";

/** Switches a connection between OpenFlow 1.0's own flow-mods and Nicira's (OpenFlow 1.0). */
export interface SetFlowFormat extends MessageHead {
  readonly type: "setFlowFormat";
  /** 0 = OpenFlow 1.0, 2 = NXM. */
  readonly format: number;
}

/** Lets the upper byte of an OpenFlow 1.0 flow-mod's command name the table. */
export interface FlowModTableId extends MessageHead {
  readonly type: "flowModTableId";
  readonly enable: boolean;
}

/** Chooses the encoding of the packet-ins that the switch sends. */
export interface SetPacketInFormat extends MessageHead {
  readonly type: "setPacketInFormat";
  /** 0 = OpenFlow's own, 1 = NXT_PACKET_IN, 2 = NXT_PACKET_IN2. */
  readonly format: number;
}

/** An old statistic of flow ages, without a body. */
export interface FlowAge extends MessageHead {
  readonly type: "flowAge";
}

/** Names this controller, so that `controller(id=…)` can reach it. */
export interface SetControllerId extends MessageHead {
  readonly type: "setControllerId";
  /** 0 to 65535. */
  readonly id: number;
}

export const setFlowFormatCodec: BodyCodec<SetFlowFormat> = {
  decode: (reader) => ({ format: reader.u32() }),
  encode: (message, w) => w.u32(message.format),
};

export const flowModTableIdCodec: BodyCodec<FlowModTableId> = {
  decode: (reader) => ({ enable: reader.u8() !== 0 }),
  encode(message, w): void {
    const at = w.reserve(8);
    w.view.setUint8(at, message.enable ? 1 : 0);
  },
};

export const setPacketInFormatCodec: BodyCodec<SetPacketInFormat> = {
  decode(reader): Body<SetPacketInFormat> {
    const format = reader.u32();
    if (format > 2) reader.bad(`packet-in format ${format}`, 4, "OFPBRC_EPERM");
    return { format };
  },
  encode: (message, w) => w.u32(message.format),
};

export const setControllerIdCodec: BodyCodec<SetControllerId> = {
  decode(reader): Body<SetControllerId> {
    reader.skip(6);
    return { id: reader.u16() };
  },
  encode(message, w): void {
    const at = w.reserve(8);
    w.view.setUint16(at + 6, message.id);
  },
};
