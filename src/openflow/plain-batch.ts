import type { ByteWriter } from "../bytes.ts";
import type { FlowModBatch } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { BatchResult, SendOptions } from "../transport/transport.ts";
import { encodeFlowMod } from "../wire/flow-mod-encoder.ts";
import { appendClear } from "./clear-message.ts";
import { cookieGuard } from "./cookie-guard.ts";
import type { Delivery } from "./delivery.ts";
import { MessageType } from "./session.ts";
import { PIECE_BYTES } from "./writer-pool.ts";

/** A barrier at least each so many bytes, so that a long batch is confirmed as it goes. */
const BARRIER_BYTES = 128 * 1024;

/**
 * Writes a batch as a stream of flow-mods, encoding while the switch works. The promise resolves when all is written, `settle`
 * is called when the last barrier was answered or the connection is gone.
 */
export async function sendPlain(
  delivery: Delivery,
  batch: FlowModBatch,
  options: SendOptions,
  settle: (result: BatchResult) => void,
): Promise<void> {
  const { version, downReason } = delivery.session;
  if (downReason !== undefined) {
    settle(delivery.result("unknown", new Map(), 0));
    return;
  }
  const { view } = delivery;
  const guard = cookieGuard(options);
  const flight = delivery.begin(batch.length);
  const start = delivery.bytesSent;
  let writer = delivery.writerFor(batch.length);
  let lastBarrier = start;
  const flush = (): void => {
    if (writer.length === 0) return;
    delivery.write(writer);
    writer = delivery.writerFor(batch.length - index);
  };
  const encode = (): void => encodeFlowMod(writer, view, version, flight.first + 1 + index, guard);
  let index = 0;
  let stage = -1;
  if (options.clearFirst !== undefined) {
    appendClear(writer, options.clearFirst, version, flight.first);
    stage = -2;
  }
  for (; index < batch.length; index++) {
    batch.read(index, view);
    const next = (view.command === 2 ? 256 : 0) + view.table;
    // A switch may reorder what no barrier divides: tables and kinds must not overtake each other.
    if (next !== stage && stage !== -1 && !delivery.keepsOrder) putBarrier(delivery, writer);
    stage = next;
    delivery.encode(flight, index, writer, encode);
    if (writer.length < PIECE_BYTES) continue;
    const written = delivery.bytesSent + writer.length;
    if (written - lastBarrier >= BARRIER_BYTES) {
      putBarrier(delivery, writer);
      lastBarrier = written;
    }
    flush();
    await delivery.room();
    if (delivery.session.downReason !== undefined) break;
  }
  const bytes = delivery.bytesSent + writer.length + 8 - start;
  putBarrier(delivery, writer, (error) => {
    delivery.end(flight);
    // A refusal that was heard stays one, also when the rest is unknown. A table that was not cleared is not what was asked for.
    const known = error === undefined && flight.clearRefused === undefined;
    settle(delivery.result(known ? "applied" : "unknown", flight.refused, bytes));
  });
  flush();
}

/** Appends a barrier; its answer confirms all bytes up to and with it. */
function putBarrier(delivery: Delivery, writer: ByteWriter, done?: (error: OfsyncError | undefined) => void): void {
  const { requests, channel, version, downReason } = delivery.session;
  if (downReason !== undefined) {
    done?.(downReason);
    return;
  }
  const xid = requests.takeXids(1);
  const at = writer.reserve(8);
  writer.view.setUint32(at, (version << 24) | (MessageType.barrierRequest << 16) | 8);
  writer.view.setUint32(at + 4, xid);
  const upTo = delivery.bytesSent + writer.length;
  requests.add(
    xid,
    {
      name: "a barrier",
      onReply: (message) => {
        if (message[1] !== MessageType.barrierReply)
          throw new OfsyncError("PROTOCOL_ERROR", "a barrier was answered by another message");
        delivery.confirm(upTo);
        done?.(undefined);
        return true;
      },
      onError: (error) => {
        throw new OfsyncError("PROTOCOL_ERROR", `the switch refused a barrier: ${error.name}`, { openflowError: error.name });
      },
      onDown: (error) => done?.(error),
    },
    channel.ticks,
  );
}
