import type { ByteWriter } from "../bytes.ts";
import type { FlowModBatch } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { BatchResult, SendOptions, SwitchError } from "../transport/transport.ts";
import { BundleFlag, beginBundleAdd, endBundleAdd } from "../wire/bundle.ts";
import { encodeBundledFlowMod } from "../wire/flow-mod-encoder.ts";
import { appendClear } from "./clear-message.ts";
import { cookieGuard } from "./cookie-guard.ts";
import type { Delivery, Flight } from "./delivery.ts";
import type { OpenFlowSession } from "./session.ts";
import { giveWriter, PIECE_BYTES, takeWriter } from "./writer-pool.ts";

const FLAGS = BundleFlag.atomic | BundleFlag.ordered;

/** Open vSwitch lets go of a bundle after ten idle seconds and says so with the xid of its OPEN. */
const TIMEOUT: SwitchError = { name: "OFPBFC_TIMEOUT", type: 17, code: 14 };

/** A bundle at the switch, from OPEN to COMMIT or DISCARD. */
export class Bundle {
  readonly #session: OpenFlowSession;
  readonly id: number;
  #openXid = -1;
  /** The switch answered OPEN. */
  opened = false;
  /** What is wrong with the bundle as a whole, its time-out included. */
  failure: SwitchError | undefined;

  constructor(session: OpenFlowSession, id: number) {
    this.#session = session;
    this.id = id;
  }

  open(): void {
    this.#openXid = this.#session.send(
      { type: "bundleControl", bundleId: this.id, control: "openRequest", flags: FLAGS },
      {
        name: "opening a bundle",
        onReply: () => {
          this.opened = true;
          return true;
        },
        onError: (error) => {
          this.failure ??= error;
        },
        onDown: () => {},
      },
    );
  }

  /** After OPEN was answered, an error with its xid is about the bundle: it timed out. */
  onError(xid: number, error: SwitchError): boolean {
    if (xid !== this.#openXid) return false;
    this.failure ??= error;
    return true;
  }

  /** Resolves with the switch's error, or `undefined` when it did as asked. Rejects when the connection goes. */
  control(control: "commitRequest" | "discardRequest"): Promise<SwitchError | undefined> {
    return new Promise((resolve, reject) => {
      this.#session.send(
        { type: "bundleControl", bundleId: this.id, control, flags: FLAGS },
        {
          name: control === "commitRequest" ? "committing a bundle" : "discarding a bundle",
          onReply: () => {
            resolve(undefined);
            return true;
          },
          onError: resolve,
          onDown: reject,
        },
      );
    });
  }
}

/**
 * Sends a batch all or nothing, in an atomic ordered bundle.
 *
 * Everything is encoded before the bundle is opened, so that it never lies idle at the switch. COMMIT goes out only when a
 * barrier has shown that every message was taken: Open vSwitch would otherwise commit all but those it refused. A commit that
 * was answered although the bundle had timed out may have applied its tail only: then all is unknown.
 *
 * `staged` is called when everything but the decision to commit is written: from then on the next bundle may be filled, while the
 * switch still works on this one.
 *
 * @throws {@link OfsyncError} `BUNDLE_TOO_LARGE`; nothing was sent then.
 */
export async function sendBundle(
  delivery: Delivery,
  batch: FlowModBatch,
  options: SendOptions,
  bundle: Bundle,
  staged: () => void,
): Promise<BatchResult> {
  const { session } = delivery;
  if (session.downReason !== undefined) return delivery.result("unknown", new Map(), 0);
  const flight = delivery.begin(batch.length);
  const start = delivery.bytesSent;
  try {
    const pieces = encodePieces(delivery, batch, options, bundle.id, flight);
    const unencodable = first(flight.refused);
    if (unencodable !== undefined) return delivery.nothingApplied(flight, batch.length, unencodable, 0);
    bundle.open();
    for (const piece of pieces) {
      if (session.downReason !== undefined) break;
      delivery.write(piece);
      await delivery.room();
    }
    const upTo = delivery.bytesSent;
    const taken = session.barrier();
    staged();
    await taken;
    delivery.confirm(upTo);
    const failure = bundle.failure ?? flight.clearRefused ?? first(flight.refused) ?? (bundle.opened ? undefined : TIMEOUT);
    if (failure !== undefined) {
      await bundle.control("discardRequest");
      return delivery.nothingApplied(flight, batch.length, failure, upTo - start);
    }
    const refusal = await bundle.control("commitRequest");
    const culprit = flight.clearRefused ?? first(flight.refused);
    if (refusal !== undefined) return delivery.nothingApplied(flight, batch.length, culprit ?? refusal, upTo - start);
    const whole = bundle.failure === undefined && culprit === undefined;
    return delivery.result(whole ? "applied" : "unknown", new Map(), upTo - start);
  } catch (error) {
    if (session.downReason === undefined) throw error;
    return delivery.result("unknown", new Map(), delivery.bytesSent - start);
  } finally {
    delivery.end(flight);
  }
}

function encodePieces(
  delivery: Delivery,
  batch: FlowModBatch,
  options: SendOptions,
  bundleId: number,
  flight: Flight,
): ByteWriter[] {
  const { version } = delivery.session;
  const { maxBundleBytes, maxBundleMessages } = delivery.limits;
  const messages = batch.length + (options.clearFirst === undefined ? 0 : 1);
  if (messages > maxBundleMessages) throw tooLarge(`${messages} messages, and ${maxBundleMessages} are the most`);
  const { view } = delivery;
  const guard = cookieGuard(options);
  const pieces: ByteWriter[] = [];
  let writer = takeWriter();
  let bytes = 0;
  let index = 0;
  const encode = (): void => encodeBundledFlowMod(writer, view, version, flight.first + 1 + index, bundleId, FLAGS, guard);
  const cut = (): void => {
    if (writer.length === 0) return;
    pieces.push(writer);
    bytes += writer.length;
    writer = takeWriter();
  };
  if (options.clearFirst !== undefined) {
    const start = beginBundleAdd(writer, version, flight.first, bundleId, FLAGS);
    appendClear(writer, options.clearFirst, version, flight.first);
    endBundleAdd(writer, start);
  }
  for (; index < batch.length; index++) {
    batch.read(index, view);
    delivery.encode(flight, index, writer, encode);
    if (bytes + writer.length > maxBundleBytes) {
      throw tooLarge(`more than ${maxBundleBytes} bytes after ${index + 1} of ${batch.length} flow-mods`);
    }
    if (writer.length >= PIECE_BYTES) cut();
  }
  cut();
  giveWriter(writer);
  return pieces;
}

function first(refused: ReadonlyMap<number, SwitchError>): SwitchError | undefined {
  return refused.values().next().value;
}

function tooLarge(what: string): OfsyncError {
  return new OfsyncError("BUNDLE_TOO_LARGE", `the atomic batch is too large: ${what}`, {
    hint: "send it in several batches, not atomically, or raise maxBundleMessages and maxBundleBytes",
  });
}
