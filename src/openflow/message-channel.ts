import type { Socket } from "node:net";
import type { TimerHandle } from "../clock.ts";
import { isOfsyncError, OfsyncError } from "../errors.ts";
import { Framer } from "../wire/framer.ts";
import type { ConnectionSettings } from "./connection-options.ts";

/** Who uses a {@link MessageChannel}. */
export interface ChannelUser {
  /** One whole message; echo requests and replies never come here. It may keep the bytes. Throwing ends the connection. */
  onMessage(message: Uint8Array): void;
  /** Called once, whatever the cause; nothing comes afterwards. */
  onClose(error: OfsyncError): void;
  /** Called at every check of life, after the channel's own; throwing ends the connection. */
  onTick(): void;
  /** What was written has left for the peer. */
  onDrain(): void;
}

const ECHO_REQUEST = 2;
const ECHO_REPLY = 3;

/**
 * OpenFlow messages over a socket, with everything that protects this side from a bad other side: bounded buffers both ways, and
 * limits in time for a silent peer, a message that does not end, and a peer that does not read.
 *
 * Time is counted in checks (one each `probeIntervalMs`), not by the clock, so that a process that was held up for a minute
 * does not take its own absence for the peer's.
 */
export class MessageChannel {
  readonly #socket: Socket;
  readonly #settings: ConnectionSettings;
  readonly #user: ChannelUser;
  readonly #framer = new Framer();
  #timer: TimerHandle;
  #closed = false;
  #socketError: Error | undefined;
  /** Version byte of our echo requests. */
  version: number;

  #ticks = 0;
  #messages = 0;
  #received = 0;
  /** Unanswered probes: reset by any byte that comes. */
  #probes = 0;
  #receivedAtTick = 0;
  /** Checks in a row without the unfinished message's end, and without a byte leaving. */
  #partialTicks = 0;
  #messagesAtTick = 0;
  #stuckTicks = 0;
  #flushedAtTick = 0;
  #paused = false;

  constructor(socket: Socket, settings: ConnectionSettings, user: ChannelUser) {
    this.#socket = socket;
    this.#settings = settings;
    this.#user = user;
    this.version = settings.versions.at(-1) ?? 4;
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("error", (error) => {
      this.#socketError = error;
    });
    socket.on("close", () => this.#ended());
    socket.on("drain", () => {
      if (!this.#closed) user.onDrain();
    });
    this.#timer = settings.clock.setTimeout(this.#tick, settings.probeIntervalMs);
    if (socket.destroyed) queueMicrotask(() => this.#ended());
  }

  /** Resolves when the socket is closed, which may be after the last bytes have left. */
  whenClosed(): Promise<void> {
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once("close", () => resolve()));
  }

  /** Bytes that wait in this process to be written. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Checks of life so far: a clock that stands still while this process does. */
  get ticks(): number {
    return this.#ticks;
  }

  /** Where the peer is, as the socket knows it; empty for a Unix socket. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  /**
   * Writes flow-mods and requests; the caller looks at {@link waitingBytes} and waits for `onDrain`. Never write into `bytes` before
   * `taken` is called without an error, or {@link waitingBytes} is 0 right after this.
   */
  write(bytes: Uint8Array, taken?: (error: Error | null | undefined) => void): void {
    if (!this.#closed) this.#socket.write(bytes, taken);
  }

  /** Writes an answer or a probe: small, unasked for by us, and therefore bounded here. */
  writeReply(bytes: Uint8Array): void {
    if (this.#closed) return;
    if (this.#socket.writableLength > this.#settings.maxOutputBytes + this.#owed) {
      this.close(
        new OfsyncError(
          "CONNECTION_STALLED",
          `the peer asks and does not read: ${this.#socket.writableLength} bytes wait for it`,
        ),
      );
      return;
    }
    this.#socket.write(bytes);
  }

  /** Bytes that wait because of {@link write}; they do not count against the bound of answers. */
  #owed = 0;
  set owedBytes(bytes: number) {
    this.#owed = bytes;
  }

  /** Stops reading; the peer is held back by the kernel's buffers. Life is not checked meanwhile. */
  pause(): void {
    if (this.#closed) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Ends the connection for this reason. What was not written is lost, unless `flush` asks to send it first. */
  close(error: OfsyncError, flush = false): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#settings.clock.clearTimeout(this.#timer);
    if (flush && this.#socket.writable) {
      this.#socket.end();
      // A peer that does not read would keep the half-closed socket for ever.
      const timer = this.#settings.clock.setTimeout(() => this.#socket.destroy(), this.#settings.probeIntervalMs);
      this.#socket.once("close", () => this.#settings.clock.clearTimeout(timer));
      this.#socket.resume();
    } else {
      this.#socket.destroy();
    }
    this.#user.onClose(error);
  }

  #take(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#received += chunk.length;
    try {
      this.#framer.push(chunk, this.#deliver);
    } catch (error) {
      this.close(asConnectionError(error));
    }
  }

  readonly #deliver = (message: Uint8Array): void => {
    if (this.#closed) return;
    this.#messages++;
    const type = message[1];
    if (type === ECHO_REQUEST) {
      const reply = message.slice();
      reply[1] = ECHO_REPLY;
      this.writeReply(reply);
    } else if (type !== ECHO_REPLY) {
      this.#user.onMessage(message);
    }
  };

  #ended(): void {
    if (this.#closed) return;
    const cause = this.#socketError;
    const cut = this.#framer.pending > 0 ? `, ${this.#framer.pending} bytes into a message` : "";
    this.close(
      cause === undefined
        ? new OfsyncError("CONNECTION_CLOSED", `the peer closed the connection${cut}`)
        : new OfsyncError(isTlsError(cause) ? "TLS_FAILED" : "CONNECTION_LOST", `the connection broke${cut}: ${cause.message}`, {
            cause,
          }),
    );
  }

  readonly #tick = (): void => {
    if (this.#closed) return;
    this.#ticks++;
    this.#timer = this.#settings.clock.setTimeout(this.#tick, this.#settings.probeIntervalMs);
    try {
      if (!this.#paused) this.#checkReading();
      if (!this.#closed) this.#checkWriting();
      if (!this.#closed) this.#user.onTick();
    } catch (error) {
      this.close(asConnectionError(error));
    }
  };

  #checkReading(): void {
    const { probeLimit, probeIntervalMs } = this.#settings;
    const silent = this.#received === this.#receivedAtTick;
    const noneEnded = this.#messages === this.#messagesAtTick;
    this.#receivedAtTick = this.#received;
    this.#messagesAtTick = this.#messages;
    this.#partialTicks = this.#framer.pending > 0 && noneEnded ? this.#partialTicks + 1 : 0;
    if (this.#partialTicks > probeLimit) {
      this.close(
        new OfsyncError(
          "CONNECTION_STALLED",
          `the peer stalls in the middle of a message: ${this.#framer.pending} bytes of it after ${probeLimit * probeIntervalMs} ms`,
        ),
      );
      return;
    }
    if (!silent) {
      this.#probes = 0;
      return;
    }
    if (this.#probes >= probeLimit) {
      this.close(
        new OfsyncError("CONNECTION_DEAD", `the peer left ${this.#probes} probes unanswered, one each ${probeIntervalMs} ms`),
      );
      return;
    }
    this.#probes++;
    this.writeReply(new Uint8Array([this.version, ECHO_REQUEST, 0, 8, 0, 0, 0, 0]));
  }

  #checkWriting(): void {
    const waiting = this.#socket.writableLength;
    const flushed = this.#socket.bytesWritten - waiting;
    this.#stuckTicks = waiting > 0 && flushed === this.#flushedAtTick ? this.#stuckTicks + 1 : 0;
    this.#flushedAtTick = flushed;
    if (this.#stuckTicks > this.#settings.probeLimit) {
      this.close(new OfsyncError("CONNECTION_STALLED", `the peer does not read: ${waiting} bytes have waited for it`));
    }
  }
}

/** Certificates and the like, in the words of Node and OpenSSL. */
export function isTlsError(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return (
    /^(ERR_SSL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/.test(code) ||
    /\b(ssl|tls|certificate)\b/i.test(error.message)
  );
}

/** What ends a connection is typed; bytes that break the protocol keep their own code as the cause. */
export function asConnectionError(error: unknown): OfsyncError {
  if (isOfsyncError(error)) {
    if (!error.code.startsWith("WIRE_")) return error;
    return new OfsyncError("PROTOCOL_ERROR", `the peer broke the protocol: ${error.message}`, {
      cause: error,
      place: error.place,
      ...(error.openflowError === undefined ? {} : { openflowError: error.openflowError }),
    });
  }
  return new OfsyncError("CONNECTION_FAILED", `the connection was given up: ${String(error)}`, { cause: error });
}
