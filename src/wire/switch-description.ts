import { type Body, type BodyCodec, type MultipartHead, putText } from "./message-head.ts";

export interface DescRequest extends MultipartHead {
  readonly type: "descRequest";
}

/** Who made the switch.  */
export interface DescReply extends MultipartHead {
  readonly type: "descReply";
  readonly manufacturer: string;
  readonly hardware: string;
  readonly software: string;
  readonly serialNumber: string;
  readonly datapath: string;
}

export const descReplyCodec: BodyCodec<DescReply> = {
  decode(reader): Body<DescReply> {
    const manufacturer = reader.text(256);
    const hardware = reader.text(256);
    const software = reader.text(256);
    const serialNumber = reader.text(32);
    return { manufacturer, hardware, software, serialNumber, datapath: reader.text(256) };
  },
  encode(message, w): void {
    putText(w, message.manufacturer, 256);
    putText(w, message.hardware, 256);
    putText(w, message.software, 256);
    putText(w, message.serialNumber, 32);
    putText(w, message.datapath, 256);
  },
};
