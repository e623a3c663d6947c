import type { TimerHandle } from "../clock.ts";
import type { FlowModBatch } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import { type OpenFlowVersion, versionName } from "../flow/version.ts";
import type {
  BatchResult,
  InstalledFlowChunk,
  ReadFilter,
  SendOptions,
  Transport,
  TransportCapabilities,
  TransportEvent,
} from "../transport/transport.ts";
import type { PortDescription } from "../wire/port.ts";
import { type DialAddress, formatAddress, parseDialAddress } from "./address.ts";
import { BackOff } from "./back-off.ts";
import {
  type ConnectionRole,
  type ConnectionSettings,
  connectionSettings,
  numberOption,
  type OpenFlowTransportOptions,
} from "./connection-options.ts";
import type { DeliveryLimits } from "./delivery.ts";
import { dial, tlsFor } from "./dialler.ts";
import { FlowModSender } from "./flow-mod-sender.ts";
import { FlowRead } from "./flow-read.ts";
import { asConnectionError } from "./message-channel.ts";
import { readPorts } from "./port-read.ts";
import { OpenFlowSession } from "./session.ts";
import { SessionEvents } from "./session-events.ts";
import { setUpSession } from "./session-setup.ts";

/** Where a connection stands. */
export type ConnectionState =
  /** {@link OpenFlowTransport.open} was not called yet. */
  | { readonly phase: "idle" }
  /** The socket is being opened; `attempt` counts from 1 since the last good connection. */
  | { readonly phase: "connecting"; readonly attempt: number }
  /** The socket is open; version, features and role are being agreed on. */
  | { readonly phase: "negotiating"; readonly attempt: number }
  | {
      readonly phase: "up";
      readonly epoch: number;
      readonly version: OpenFlowVersion;
      readonly datapathId: bigint;
      readonly role: ConnectionRole;
    }
  /** The last attempt or connection ended with `error`; the next begins in `retryInMs` milliseconds (listening: when the switch calls). */
  | { readonly phase: "waiting"; readonly error: OfsyncError; readonly attempt: number; readonly retryInMs: number | undefined }
  | { readonly phase: "closed" };

const NOTHING: TransportCapabilities = { atomic: false, monitor: false, importance: false };

/** A session that is up, and what goes with it. */
interface Live {
  readonly session: OpenFlowSession;
  readonly sender: FlowModSender;
  readonly events: SessionEvents;
}

/**
 * Keeps a connection to one OpenFlow switch and carries flow-mods over it: the {@link Transport} to real switches, OpenFlow
 * 1.3, 1.4 and 1.5. Made by {@link connectSwitch} or, for switches that call in, by `listenForSwitches`.
 *
 * Whatever a peer does ends at most its own connection, with a typed error in {@link OpenFlowTransport.state}; then the
 * connection is made anew, after a delay that grows and is drawn at random.
 */
export class OpenFlowTransport implements Transport {
  readonly #address: DialAddress | undefined;
  readonly #settings: ConnectionSettings;
  readonly #limits: DeliveryLimits;
  readonly #stableAfterMs: number;
  readonly #backOff: BackOff;
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  readonly #stateListeners = new Set<(state: ConnectionState) => void>();
  readonly #abort = new AbortController();
  #state: ConnectionState = { phase: "idle" };
  #epoch = 0;
  #live: Live | undefined;
  #capabilities: TransportCapabilities = NOTHING;
  #running: Promise<void> = Promise.resolve();
  #opened = false;
  #closed = false;

  /** For {@link connectSwitch} and the listener: `address` absent = sessions are handed in by {@link adopt}. */
  constructor(address: DialAddress | undefined, options: OpenFlowTransportOptions = {}) {
    this.#address = address;
    this.#settings = connectionSettings(options);
    if (address?.kind === "ssl") tlsFor("ssl", options.tls);
    this.#limits = {
      backlogBytes: numberOption("backlogBytes", options.backlogBytes, 1 << 20, 1),
      maxBundleMessages: numberOption("maxBundleMessages", options.maxBundleMessages, 1_000_000, 1),
      maxBundleBytes: numberOption("maxBundleBytes", options.maxBundleBytes, 256 << 20, 1),
    };
    this.#stableAfterMs = numberOption("stableAfterMs", options.stableAfterMs, 5000, 0);
    this.#backOff = new BackOff(this.#settings.random, options.backOff);
  }

  get epoch(): number {
    return this.#epoch;
  }

  get isUp(): boolean {
    return this.#live !== undefined;
  }

  /** Of the present connection, or of the last one; nothing before the first. */
  get capabilities(): TransportCapabilities {
    return this.#capabilities;
  }

  get isBacklogged(): boolean {
    return this.#live?.sender.isBacklogged ?? false;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Calls `listener` with every change of {@link state}; the returned function ends that. */
  subscribeState(listener: (state: ConnectionState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  open(): void {
    if (this.#opened || this.#closed) return;
    this.#opened = true;
    if (this.#address !== undefined) this.#running = this.#keepConnected(this.#address);
  }

  send(batch: FlowModBatch, options: SendOptions = {}): Promise<BatchResult> {
    const live = this.#live;
    if (live === undefined) {
      return Promise.resolve({ epoch: this.#epoch, fate: "unknown", refused: new Map(), unknown: new Set(), bytes: 0 });
    }
    if (live.events.role === "secondary") return Promise.resolve(readOnly(this.#epoch, batch.length));
    if (options.atomic === true && !this.#capabilities.atomic) {
      return Promise.reject(
        new OfsyncError("TRANSPORT_UNSUPPORTED", "this switch has no bundles, so no batch can be all or nothing", {
          hint: "send without atomic",
        }),
      );
    }
    return live.sender.send(batch, options);
  }

  async *readFlows(filter: ReadFilter = {}): AsyncGenerator<InstalledFlowChunk, void, undefined> {
    const live = this.#live;
    if (live === undefined) throw new OfsyncError("TRANSPORT_DOWN", "there is no connection to read flows over");
    const read = new FlowRead(live.session, filter);
    try {
      for (;;) {
        const chunk = await read.next();
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      read.stop();
    }
  }

  /**
   * The switch's ports with their names and numbers, as it describes them now. Throws `TRANSPORT_DOWN` when not up or when the
   * connection goes meanwhile, `REQUEST_REFUSED` when the switch does not tell.
   */
  async readPorts(): Promise<readonly PortDescription[]> {
    const live = this.#live;
    if (live === undefined) throw new OfsyncError("TRANSPORT_DOWN", "there is no connection to read ports over");
    return await readPorts(live.session);
  }

  drained(): Promise<void> {
    return this.#live?.sender.drained() ?? Promise.resolve();
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      const session = this.#live?.session;
      this.#abort.abort();
      session?.close(new OfsyncError("TRANSPORT_CLOSED", "the transport was closed"), true);
      this.#setState({ phase: "closed" });
      await session?.channel.whenClosed();
    }
    await this.#running;
  }

  /**
   * Takes over a session that the switch began; an older one is closed (the switch has given it up, whatever the network
   * says). Used by the listener.
   *
   * @throws {@link OfsyncError} when the session could not be made ready; it is closed then.
   */
  async adopt(session: OpenFlowSession): Promise<void> {
    if (this.#closed) {
      session.close(new OfsyncError("TRANSPORT_CLOSED", "the transport of this switch was closed"));
      return;
    }
    this.#opened = true;
    this.#live?.session.close(new OfsyncError("CONNECTION_SUPERSEDED", "the switch opened a new connection"));
    await this.#bringUp(session, 1);
  }

  async #keepConnected(address: DialAddress): Promise<void> {
    const { clock, logger } = this.#settings;
    while (!this.#closed) {
      const attempt = this.#backOff.attempts + 1;
      let upSince: number | undefined;
      let reason: OfsyncError;
      try {
        this.#setState({ phase: "connecting", attempt });
        const socket = await dial(address, this.#settings, this.#abort.signal);
        this.#setState({ phase: "negotiating", attempt });
        const session = await OpenFlowSession.establish(socket, this.#settings, this.#abort.signal);
        const { down } = await this.#bringUp(session, attempt);
        upSince = clock.now();
        reason = await down;
      } catch (error) {
        reason = asConnectionError(error);
      }
      if (this.#closed) return;
      if (upSince !== undefined && clock.now() - upSince >= this.#stableAfterMs) this.#backOff.reset();
      const retryInMs = this.#backOff.next();
      logger.warn(`no connection to ${formatAddress(address)}: ${reason.message}`, { code: reason.code, retryInMs });
      this.#setState({ phase: "waiting", error: reason, attempt, retryInMs });
      await this.#sleep(retryInMs);
    }
  }

  /** Makes a session the present one; `down` resolves with the reason of its end. */
  async #bringUp(session: OpenFlowSession, attempt: number): Promise<{ down: Promise<OfsyncError> }> {
    if (this.#address === undefined) this.#setState({ phase: "negotiating", attempt });
    const sender = new FlowModSender(session, this.#epoch + 1, this.#limits);
    const events = new SessionEvents(session, (event) => this.#emit(event));
    let ended: (reason: OfsyncError) => void = () => {};
    const down = new Promise<OfsyncError>((resolve) => {
      ended = resolve;
    });
    session.attach({
      onUnasked: (message, type) => events.onMessage(message, type),
      onError: (xid, error) => sender.onError(xid, error),
      onProgress: () => sender.onProgress(),
      onDown: (error) => {
        sender.onDown();
        events.stop();
        if (this.#live?.session === session) this.#goDown(error);
        ended(error);
      },
    });
    events.onRoleChange = () => {
      if (this.#live?.session === session) this.#setState(this.#upState(this.#live));
    };
    try {
      const { atomic, inOrder } = await setUpSession(session, sender);
      sender.keepsOrder = inOrder;
      const monitor = this.#settings.monitor && (await events.startMonitor());
      if (session.downReason !== undefined) throw session.downReason;
      if (this.#closed) throw new OfsyncError("TRANSPORT_CLOSED", "the transport was closed");
      this.#capabilities = { atomic, monitor, importance: session.version >= 5 };
    } catch (error) {
      const reason = asConnectionError(error);
      session.close(reason);
      if (this.#address === undefined && !this.#closed && this.#live === undefined) {
        this.#setState({ phase: "waiting", error: reason, attempt, retryInMs: undefined });
      }
      throw reason;
    }
    this.#epoch++;
    const live: Live = { session, sender, events };
    this.#live = live;
    this.#setState(this.#upState(live));
    this.#emit({ type: "up", epoch: this.#epoch });
    events.start();
    return { down };
  }

  #upState({ session, events }: Live): ConnectionState {
    const { datapathId } = session.features;
    return { phase: "up", epoch: this.#epoch, version: versionName(session.version), datapathId, role: events.role };
  }

  #goDown(error: OfsyncError): void {
    this.#live = undefined;
    this.#emit({ type: "down", epoch: this.#epoch, reason: error.message });
    if (this.#address === undefined && !this.#closed) {
      this.#setState({ phase: "waiting", error, attempt: 1, retryInMs: undefined });
    }
  }

  #sleep(ms: number): Promise<void> {
    const { clock } = this.#settings;
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const timer: TimerHandle = clock.setTimeout(() => {
        signal.removeEventListener("abort", wake);
        resolve();
      }, ms);
      const wake = (): void => {
        clock.clearTimeout(timer);
        resolve();
      };
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #setState(state: ConnectionState): void {
    if (this.#closed && state.phase !== "closed") return;
    this.#state = state;
    for (const listener of [...this.#stateListeners]) this.#call(listener, state);
  }

  #emit(event: TransportEvent): void {
    for (const listener of [...this.#listeners]) this.#call(listener, event);
  }

  #call<T>(listener: (value: T) => void, value: T): void {
    try {
      listener(value);
    } catch (error) {
      this.#settings.logger.error("a listener of a transport threw", error);
    }
  }
}

/** What a secondary controller's flow-mods come to; the switch would say the same. */
function readOnly(epoch: number, length: number): BatchResult {
  const error = { name: "OFPBRC_IS_SECONDARY", type: 1, code: 10 };
  const refused = new Map(Array.from({ length }, (_, index) => [index, error] as const));
  return { epoch, fate: "applied", refused, unknown: new Set(), bytes: 0 };
}

/**
 * A transport to the switch at `address`; call `open()` to begin. See `parseAddress` for the forms of an address.
 *
 * @throws {@link OfsyncError} `ADDRESS_INVALID`, `OPTION_INVALID`.
 */
export function connectSwitch(address: string, options: OpenFlowTransportOptions = {}): OpenFlowTransport {
  return new OpenFlowTransport(parseDialAddress(address), options);
}
