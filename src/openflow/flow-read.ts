import { OfsyncError } from "../errors.ts";
import { Match } from "../flow/match.ts";
import type { InstalledFlowChunk, ReadFilter, SwitchError } from "../transport/transport.ts";
import { decodeFlowChunk } from "../wire/flow-chunk.ts";
import type { Requester } from "./request-table.ts";
import { MessageType, type OpenFlowSession, type SlowReader } from "./session.ts";

/** Bytes of replies that may wait for a slow reader before the socket is no longer read. */
const WAITING_BYTES = 8 << 20;
/** Bytes at which the read is given up: something else needs the connection and the reader does not keep up. */
const MOST_BYTES = 256 << 20;

const ANY = 0xffff_ffff;
const ALL_TABLES = 0xff;
const REPLY_MORE = 1;

/**
 * One reading of the switch's flows: one request, many replies, each handed on as it is asked for.
 *
 * A reader that is slower than the switch holds the switch back: the socket is not read while too much waits, unless somebody
 * else waits for an answer on the same connection. A reader that takes nothing for as long as an answer may take (`requestTimeoutMs`)
 * has gone away without saying so, or might as well have: its read ends with `READ_BACKLOG`, and the connection goes on.
 */
export class FlowRead implements Requester, SlowReader {
  readonly name = "reading flows";
  readonly #session: OpenFlowSession;
  #replies: Uint8Array[] = [];
  #bytes = 0;
  #done = false;
  #error: OfsyncError | undefined;
  #wake: (() => void) | undefined;

  constructor(session: OpenFlowSession, filter: ReadFilter) {
    this.#session = session;
    const cookieMask = filter.cookie === undefined ? 0n : (filter.cookieMask ?? 0xffff_ffff_ffff_ffffn);
    session.send(
      {
        type: "flowStatsRequest",
        table: filter.table ?? ALL_TABLES,
        outPort: ANY,
        outGroup: ANY,
        cookie: (filter.cookie ?? 0n) & cookieMask,
        cookieMask,
        match: Match.any,
      },
      this,
    );
  }

  /** The next chunk; `undefined` after the last. Throws when the read failed, also after chunks that were good. */
  async next(): Promise<InstalledFlowChunk | undefined> {
    this.#session.readerLives();
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) {
        this.#bytes -= reply.length;
        if (this.#bytes <= WAITING_BYTES / 2) this.#session.release();
        const chunk = decodeFlowChunk(reply);
        if (chunk.length > 0) return chunk;
        continue;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#done) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The reader wants no more; what still comes is dropped. */
  stop(): void {
    this.#error ??= new OfsyncError("READ_STOPPED", "the read was stopped");
    this.#replies = [];
    this.#bytes = 0;
    this.#session.release();
  }

  /** Nobody has taken anything for so long. */
  abandon(milliseconds: number): void {
    this.#bytes = 0;
    this.#fail(new OfsyncError("READ_BACKLOG", `the flows were not taken: nobody asked for more within ${milliseconds} ms`));
  }

  onReply(message: Uint8Array): boolean {
    if (message[1] !== MessageType.multipartReply || message.length < 16) {
      throw new OfsyncError("PROTOCOL_ERROR", "a request for flows was answered by another message");
    }
    const last = ((message[11] as number) & REPLY_MORE) === 0;
    if (this.#error === undefined) {
      this.#replies.push(message);
      this.#bytes += message.length;
      this.#done = last;
      if (this.#bytes > MOST_BYTES) {
        this.#replies = [];
        this.#bytes = 0;
        this.#error = new OfsyncError("READ_BACKLOG", `the flows were not taken: ${MOST_BYTES} bytes of them had to wait`);
      } else if (this.#bytes > WAITING_BYTES && !last && this.#session.requests.size === 1) {
        this.#session.hold(this);
      }
    }
    this.#signal();
    return last;
  }

  onError(error: SwitchError): void {
    this.#fail(
      new OfsyncError("READ_REFUSED", `the switch refused to tell its flows: ${error.name}`, { openflowError: error.name }),
    );
  }

  onDown(error: OfsyncError): void {
    this.#fail(
      new OfsyncError("TRANSPORT_DOWN", `the connection went while flows were read: ${error.message}`, { cause: error }),
    );
  }

  #fail(error: OfsyncError): void {
    this.#error ??= error;
    // What has come is not the whole: nobody may take it for that.
    this.#replies = [];
    this.#signal();
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
