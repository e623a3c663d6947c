import { OfsyncError } from "../errors.ts";
import { decodeMessage } from "../wire/codec.ts";
import type { PortDescription } from "../wire/port.ts";
import { Port } from "../wire/port-number.ts";
import type { OpenFlowSession } from "./session.ts";

const REPLY_MORE = 1;

/** All ports of the switch: one request, one or more replies. */
export function readPorts(session: OpenFlowSession): Promise<PortDescription[]> {
  return new Promise((resolve, reject) => {
    const ports: PortDescription[] = [];
    session.send(
      { type: "portDescRequest", port: Port.any },
      {
        name: "reading ports",
        onReply(bytes) {
          const reply = decodeMessage(bytes);
          if (reply.type !== "portDescReply") {
            throw new OfsyncError("PROTOCOL_ERROR", `the switch answered a request for ports with ${reply.type}`);
          }
          ports.push(...reply.ports);
          if (((reply.multipartFlags ?? 0) & REPLY_MORE) !== 0) return false;
          resolve(ports);
          return true;
        },
        onError: (error) => {
          reject(
            new OfsyncError("REQUEST_REFUSED", `the switch refused to tell its ports: ${error.name}`, {
              openflowError: error.name,
            }),
          );
        },
        onDown: (error) => {
          reject(
            new OfsyncError("TRANSPORT_DOWN", `the connection went while ports were read: ${error.message}`, { cause: error }),
          );
        },
      },
    );
  });
}
