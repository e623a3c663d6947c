import type { FlowModBatch } from "../diff/flow-mod.ts";
import type { BatchResult, SendOptions, SwitchError } from "../transport/transport.ts";
import { Bundle, sendBundle } from "./bundle-batch.ts";
import { Delivery, type DeliveryLimits } from "./delivery.ts";
import { sendPlain } from "./plain-batch.ts";
import type { OpenFlowSession } from "./session.ts";

/** Sends the batches of one session in the order of the calls and finds out what became of each flow-mod. */
export class FlowModSender {
  readonly #delivery: Delivery;
  #queue: Promise<void> = Promise.resolve();
  #bundle: Bundle | undefined;
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
      // The next batch begins when this one is written (atomic: settled), so that the switch never waits for us in between.
      this.#queue = this.#queue.then(async () => {
        delivery.waitingBatches--;
        delivery.onProgress();
        try {
          if (options.atomic === true) resolve(await this.#sendBundle(batch, options));
          else await sendPlain(delivery, batch, options, resolve);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** An error from the switch: about something of ours? */
  onError(xid: number, error: SwitchError): boolean {
    return this.#delivery.onError(xid, error) || this.#bundle?.onError(xid, error) === true;
  }

  onProgress(): void {
    this.#delivery.onProgress();
  }

  onDown(): void {
    this.#delivery.onDown();
  }

  /** Does the switch have bundles? Asked by opening and discarding an empty one. */
  async probeBundles(): Promise<boolean> {
    const bundle = this.#openable();
    bundle.open();
    const refusal = await bundle.control("discardRequest");
    this.#bundle = undefined;
    return refusal === undefined && bundle.opened && bundle.failure === undefined;
  }

  async #sendBundle(batch: FlowModBatch, options: SendOptions): Promise<BatchResult> {
    const bundle = this.#openable();
    try {
      return await sendBundle(this.#delivery, batch, options, bundle);
    } finally {
      this.#bundle = undefined;
    }
  }

  /** A number that no bundle of this session had: what is left of an old one can never be mistaken for it. */
  #openable(): Bundle {
    const id = this.#nextBundleId;
    this.#nextBundleId = id === 0xffff_ffff ? 1 : id + 1;
    this.#bundle = new Bundle(this.#delivery.session, id);
    return this.#bundle;
  }
}
