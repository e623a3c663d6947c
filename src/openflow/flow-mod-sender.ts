import type { FlowModBatch } from "../diff/flow-mod.ts";
import type { BatchResult, SendOptions, SwitchError } from "../transport/transport.ts";
import { Bundle, sendBundle } from "./bundle-batch.ts";
import { Delivery, type DeliveryLimits } from "./delivery.ts";
import { sendPlain } from "./plain-batch.ts";
import type { OpenFlowSession } from "./session.ts";

/** Bundles that may be open at the switch: one that it works on, others that are filled meanwhile. */
const OPEN_BUNDLES = 4;

/**
 * Sends the batches of one session in the order of the calls and finds out what became of each flow-mod.
 *
 * Batches overlap as far as their order allows: a plain one follows when the one before is written; a bundle is filled while
 * those before it are still being committed, and its own commit cannot overtake theirs, because the barriers in front of the
 * commits are answered in order. Between a bundle and a plain batch the bundle is waited for.
 */
export class FlowModSender {
  readonly #delivery: Delivery;
  readonly #bundles = new Map<Bundle, Promise<void>>();
  #queue: Promise<void> = Promise.resolve();
  /** Batches in the queue, the one that is being written included. */
  #queued = 0;
  #nextBundleId = 1;

  constructor(session: OpenFlowSession, epoch: number, limits: DeliveryLimits) {
    this.#delivery = new Delivery(session, epoch, limits);
  }

  /** See {@link Delivery.keepsOrder}. */
  set keepsOrder(keeps: boolean) {
    this.#delivery.keepsOrder = keeps;
  }

  get isBacklogged(): boolean {
    return this.#delivery.isBacklogged;
  }

  drained(): Promise<void> {
    return this.#delivery.drained();
  }

  /** See `Transport.send`. Rejects only for what the caller asked for: `BUNDLE_TOO_LARGE`. */
  send(batch: FlowModBatch, options: SendOptions): Promise<BatchResult> {
    const delivery = this.#delivery;
    delivery.waitingBatches++;
    return new Promise((resolve, reject) => {
      const begin = async (): Promise<void> => {
        delivery.waitingBatches--;
        delivery.onProgress();
        try {
          if (needsBundle(batch, options)) {
            await this.#stage(batch, options, resolve, reject);
          } else {
            if (this.#bundles.size > 0) await Promise.all(this.#bundles.values());
            await sendPlain(delivery, batch, options, resolve);
          }
        } catch (error) {
          reject(error);
        } finally {
          this.#queued--;
        }
      };
      // With nobody in front it begins at once: a single change leaves before this call returns.
      this.#queue = this.#queued++ === 0 ? begin() : this.#queue.then(begin);
    });
  }

  /** An error from the switch: about something of ours? */
  onError(xid: number, error: SwitchError): boolean {
    if (this.#delivery.onError(xid, error)) return true;
    for (const bundle of this.#bundles.keys()) if (bundle.onError(xid, error)) return true;
    return false;
  }

  onProgress(): void {
    this.#delivery.onProgress();
  }

  onDown(): void {
    this.#delivery.onDown();
  }

  /** Does the switch have bundles? Asked by opening and discarding an empty one. */
  async probeBundles(): Promise<boolean> {
    const bundle = new Bundle(this.#delivery.session, this.#takeId());
    bundle.open();
    const refusal = await bundle.control("discardRequest");
    return refusal === undefined && bundle.opened && bundle.failure === undefined;
  }

  /** Resolves when the next batch may begin: when this one's messages are written, or it is over. */
  async #stage(
    batch: FlowModBatch,
    options: SendOptions,
    resolve: (result: BatchResult) => void,
    reject: (error: unknown) => void,
  ): Promise<void> {
    while (this.#bundles.size >= OPEN_BUNDLES) await Promise.race(this.#bundles.values());
    const bundle = new Bundle(this.#delivery.session, this.#takeId());
    await new Promise<void>((staged) => {
      const over = sendBundle(this.#delivery, batch, options, bundle, staged)
        .then(resolve, reject)
        .finally(() => {
          this.#bundles.delete(bundle);
          staged();
        });
      this.#bundles.set(bundle, over);
    });
  }

  /** A number that no bundle of this session had: what is left of an old one can never be mistaken for it. */
  #takeId(): number {
    const id = this.#nextBundleId;
    this.#nextBundleId = id === 0xffff_ffff ? 1 : id + 1;
    return id;
  }
}

/** One flow-mod is all or nothing by itself, and a bundle would cost it a second round trip. */
function needsBundle(batch: FlowModBatch, options: SendOptions): boolean {
  return options.atomic === true && (batch.length > 1 || options.clearFirst !== undefined);
}
