import { ByteWriter } from "../bytes.ts";
import { createFlowModView, type FlowModView } from "../diff/flow-mod.ts";
import { isOfsyncError } from "../errors.ts";
import type { BatchResult, SwitchError } from "../transport/transport.ts";
import { MAX_MESSAGE_BYTES } from "../wire/framer.ts";
import type { OpenFlowSession } from "./session.ts";
import { giveWriter, PIECE_BYTES, takeWriter } from "./writer-pool.ts";

/** Bounds of what may be under way. */
export interface DeliveryLimits {
  readonly backlogBytes: number;
  readonly maxBundleMessages: number;
  readonly maxBundleBytes: number;
}

/** Flow-mods that a small batch has at most. */
const FEW = 16;
/** Bytes that may wait in this process; above, encoding rests until the socket has taken them. */
const WAITING_BYTES = 256 * 1024;
/** Batches that may wait for their turn before the transport calls itself backlogged. */
const WAITING_BATCHES = 16;

const NONE: ReadonlySet<number> = new Set();

/**
 * A batch on its way. It owns `count` transaction ids from `first` on: the first is for clearing, flow-mod `i` of the batch
 * has `first + 1 + i`. So the xid of an error says which flow-mod was refused.
 */
export interface Flight {
  readonly first: number;
  readonly count: number;
  /** By index in the batch. */
  readonly refused: Map<number, SwitchError>;
  /** The switch refused to clear. */
  clearRefused: SwitchError | undefined;
}

/**
 * What the senders of one session share: bytes written and confirmed, batches on their way, waiting for room.
 *
 * Invariant: `confirmed ≤ sent`; both count bytes since the session began. A barrier's answer confirms everything that was
 * written before that barrier.
 */
export class Delivery {
  readonly session: OpenFlowSession;
  readonly epoch: number;
  readonly limits: DeliveryLimits;
  /** For the flow-mod that is being encoded; whoever waits in between reads it anew. */
  readonly view: FlowModView = createFlowModView();
  #flights: Flight[] = [];
  /** For small batches; nothing of it waits in the socket. */
  #small = new ByteWriter(1024);
  #sent = 0;
  #confirmed = 0;
  /** The switch keeps the order of messages by itself: no barriers are needed in between. */
  keepsOrder = false;
  /** Batches whose turn has not come. */
  waitingBatches = 0;
  #drainWaiters: (() => void)[] = [];
  #roomWaiters: (() => void)[] = [];

  constructor(session: OpenFlowSession, epoch: number, limits: DeliveryLimits) {
    this.session = session;
    this.epoch = epoch;
    this.limits = limits;
  }

  get bytesSent(): number {
    return this.#sent;
  }

  get isBacklogged(): boolean {
    return (
      this.#sent - this.#confirmed >= this.limits.backlogBytes ||
      this.session.channel.waitingBytes >= WAITING_BYTES ||
      this.waitingBatches >= WAITING_BATCHES
    );
  }

  /** Resolves when there is no backlog any more, or no connection. */
  drained(): Promise<void> {
    if (!this.isBacklogged || this.session.downReason !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#drainWaiters.push(resolve));
  }

  /** An empty writer for a batch of so many flow-mods, to be used up by {@link write} before anybody waits. */
  writerFor(flowMods: number): ByteWriter {
    if (flowMods > FEW) return takeWriter();
    this.#small.length = 0;
    return this.#small;
  }

  /** Writes what the writer holds, and takes the writer: its memory is used again as soon as the socket has let go of it. */
  write(writer: ByteWriter): void {
    const { channel } = this.session;
    const bytes = writer.buffer.subarray(0, writer.length);
    if (writer === this.#small) {
      channel.write(bytes);
      // Mostly the kernel has it by now. A large one is not worth keeping.
      if (channel.waitingBytes > 0 || writer.buffer.length > PIECE_BYTES) this.#small = new ByteWriter(1024);
    } else {
      channel.write(bytes, (error) => {
        if (error === undefined || error === null) giveWriter(writer);
      });
    }
    this.#sent += bytes.length;
    channel.owedBytes = this.#sent - this.#confirmed;
  }

  /** The switch has dealt with the first `upTo` bytes. */
  confirm(upTo: number): void {
    if (upTo <= this.#confirmed) return;
    this.#confirmed = upTo;
    this.session.channel.owedBytes = this.#sent - this.#confirmed;
    this.onProgress();
  }

  /** Resolves at once, or when the socket has taken enough of what waits, or when the connection is gone. */
  async room(): Promise<void> {
    while (this.session.channel.waitingBytes >= WAITING_BYTES && this.session.downReason === undefined) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
  }

  begin(length: number): Flight {
    const count = length + 1;
    const flight: Flight = { first: this.session.requests.takeXids(count), count, refused: new Map(), clearRefused: undefined };
    this.#flights.push(flight);
    return flight;
  }

  end(flight: Flight): void {
    const at = this.#flights.indexOf(flight);
    if (at >= 0) this.#flights.splice(at, 1);
  }

  /** Was this error about a flow-mod on its way? The first error about one counts. */
  onError(xid: number, error: SwitchError): boolean {
    for (const flight of this.#flights) {
      const index = xid - flight.first;
      if (index < 0 || index >= flight.count) continue;
      if (index === 0) flight.clearRefused ??= error;
      else if (!flight.refused.has(index - 1)) flight.refused.set(index - 1, error);
      return true;
    }
    return false;
  }

  onProgress(): void {
    if (this.session.channel.waitingBytes < WAITING_BYTES) wake(this.#roomWaiters);
    if (!this.isBacklogged) wake(this.#drainWaiters);
  }

  onDown(): void {
    wake(this.#roomWaiters);
    wake(this.#drainWaiters);
  }

  /** Runs `encode`; what the version cannot carry, or no message can hold, is refused here, before the switch would. */
  encode(flight: Flight, index: number, writer: ByteWriter, encode: () => void): void {
    const start = writer.length;
    try {
      encode();
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
      flight.refused.set(index, { name: error.openflowError ?? "OFPBRC_BAD_TYPE", type: 0, code: 0 });
      return;
    }
    if (writer.length - start <= MAX_MESSAGE_BYTES) return;
    writer.length = start;
    flight.refused.set(index, { name: "OFPBRC_BAD_LEN", type: 1, code: 6 });
  }

  result(fate: "applied" | "unknown", refused: ReadonlyMap<number, SwitchError>, bytes: number): BatchResult {
    return { epoch: this.epoch, fate, refused, unknown: NONE, bytes };
  }

  /** Nothing of the batch took effect: each flow-mod by its own error, the others by the culprit's. */
  nothingApplied(flight: Flight, length: number, culprit: SwitchError, bytes: number): BatchResult {
    const shared = { ...culprit, name: `BATCH_${culprit.name}` };
    const refused = new Map<number, SwitchError>();
    for (let i = 0; i < length; i++) refused.set(i, flight.refused.get(i) ?? shared);
    return this.result("applied", refused, bytes);
  }
}

function wake(waiters: (() => void)[]): void {
  for (const resolve of waiters.splice(0)) resolve();
}
