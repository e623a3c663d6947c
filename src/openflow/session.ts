import type { Socket } from "node:net";
import { OfsyncError } from "../errors.ts";
import type { WireVersion } from "../flow/version.ts";
import { versionName } from "../flow/version.ts";
import type { SwitchError } from "../transport/transport.ts";
import { decodeMessage, encodeMessage, type MessageToEncode } from "../wire/codec.ts";
import type { FeaturesReply } from "../wire/features.ts";
import type { OpenFlowMessage } from "../wire/messages.ts";
import type { ConnectionSettings } from "./connection-options.ts";
import { asConnectionError, type ChannelUser, MessageChannel } from "./message-channel.ts";
import { type Requester, RequestTable } from "./request-table.ts";

/** Type bytes that OpenFlow 1.3, 1.4 and 1.5 share. */
export const MessageType = {
  hello: 0,
  error: 1,
  experimenter: 4,
  featuresReply: 6,
  getConfigReply: 8,
  packetIn: 10,
  flowRemoved: 11,
  portStatus: 12,
  multipartReply: 19,
  barrierRequest: 20,
  barrierReply: 21,
  roleReply: 25,
  roleStatus: 30,
  bundleControl: 33,
} as const;

/** Who hears of a session what nobody asked for. */
export interface SessionUser {
  /** A message that answers no request. */
  onUnasked(message: Uint8Array, type: number): void;
  /** An error about a message that nobody waits for by its own xid; true when it was about one of the user's. */
  onError(xid: number, error: SwitchError): boolean;
  /** Bytes left for the switch, or the switch confirmed some. */
  onProgress(): void;
  /** The connection is gone; called once, after all requests were told. */
  onDown(error: OfsyncError): void;
}

/** Who may stop the socket because it takes what comes too slowly. */
export interface SlowReader {
  /** It has taken nothing for too long: whatever it reads is given up, so that the connection goes on. */
  abandon(milliseconds: number): void;
}

interface HelloWaiter {
  resolve(version: WireVersion): void;
  reject(error: OfsyncError): void;
}

/** Transaction id of a message. */
export function xidOf(message: Uint8Array): number {
  return (
    (((message[4] as number) << 24) | ((message[5] as number) << 16) | ((message[6] as number) << 8) | (message[7] as number)) >>>
    0
  );
}

/**
 * One connection to one switch, from the first byte on: versions are negotiated, features known, requests answered by xid.
 *
 *     hello ──▶ features ──▶ ready ──▶ down
 *       └──────────┴───────────────────▶ down
 */
export class OpenFlowSession implements ChannelUser {
  readonly settings: ConnectionSettings;
  readonly requests: RequestTable = new RequestTable();
  readonly channel: MessageChannel;
  #version: WireVersion | undefined;
  #features: FeaturesReply | undefined;
  #hello: HelloWaiter | undefined;
  #user: SessionUser | undefined;
  #down: OfsyncError | undefined;
  /** Who stopped the socket, and checks of life since it last took something. */
  #holder: SlowReader | undefined;
  #heldTicks = 0;

  private constructor(socket: Socket, settings: ConnectionSettings) {
    this.settings = settings;
    this.channel = new MessageChannel(socket, settings, this);
    // A slow reader of flows may have stopped the socket; whoever waits for something else must not wait for that reader.
    this.requests.onWait = () => this.release();
  }

  /** Reads nothing more for now: `reader` has enough. Until {@link release}, or until the reader has slept for too long. */
  hold(reader: SlowReader): void {
    this.#holder = reader;
    this.#heldTicks = 0;
    this.channel.pause();
  }

  /** The reader that stopped the socket lives. */
  readerLives(): void {
    this.#heldTicks = 0;
  }

  release(): void {
    if (this.#holder === undefined) return;
    this.#holder = undefined;
    // The silence was ours.
    this.requests.heardAll(this.channel.ticks);
    this.channel.resume();
  }

  /**
   * Negotiates version and features over a fresh socket, within `connectTimeoutMs`.
   *
   * @throws {@link OfsyncError} `VERSION_UNSUPPORTED` (the peer is told, OFPHFC_INCOMPATIBLE), `HANDSHAKE_TIMEOUT`,
   *   `PROTOCOL_ERROR`, or what ended the connection. The socket is closed then.
   */
  static async establish(socket: Socket, settings: ConnectionSettings, signal: AbortSignal): Promise<OpenFlowSession> {
    const session = new OpenFlowSession(socket, settings);
    const abort = (): void => session.close(new OfsyncError("CONNECTION_ABORTED", "the negotiation was given up"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    const { connectTimeoutMs } = settings;
    const timer = settings.clock.setTimeout(() => {
      session.close(
        new OfsyncError("HANDSHAKE_TIMEOUT", `the peer did not finish the negotiation within ${connectTimeoutMs} ms`),
      );
    }, connectTimeoutMs);
    try {
      await session.#negotiate();
      session.#features = await session.#askFeatures();
      return session;
    } catch (error) {
      const reason = asConnectionError(error);
      session.close(reason);
      throw reason;
    } finally {
      settings.clock.clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /** The version that both sides speak. Only after {@link establish}. */
  get version(): WireVersion {
    return this.#version as WireVersion;
  }

  get features(): FeaturesReply {
    return this.#features as FeaturesReply;
  }

  /** Why the connection is gone; `undefined` while it is up. */
  get downReason(): OfsyncError | undefined {
    return this.#down;
  }

  /** From now on, hands over what nobody asked for. What came before was dropped. */
  attach(user: SessionUser): void {
    this.#user = user;
    const down = this.#down;
    if (down !== undefined) queueMicrotask(() => user.onDown(down));
  }

  /** Sends a request that has one answer. Rejects when the switch refuses it (code `REQUEST_REFUSED`) or the connection goes. */
  request<T extends OpenFlowMessage["type"]>(
    message: MessageToEncode,
    answer: T,
  ): Promise<Extract<OpenFlowMessage, { readonly type: T }>> {
    return new Promise((resolve, reject) => {
      const requester: Requester = {
        name: `a ${message.type}`,
        onReply: (bytes) => {
          const decoded = decodeMessage(bytes);
          if (decoded.type !== answer) {
            throw new OfsyncError("PROTOCOL_ERROR", `the switch answered ${message.type} with ${decoded.type}`);
          }
          resolve(decoded as Extract<OpenFlowMessage, { readonly type: T }>);
          return true;
        },
        onError: (error) => {
          reject(
            new OfsyncError("REQUEST_REFUSED", `the switch refused ${message.type}: ${error.name}`, {
              openflowError: error.name,
            }),
          );
        },
        onDown: reject,
      };
      this.send(message, requester);
    });
  }

  /** Sends a message with an xid of its own and, when `requester` is given, expects the answer. Returns the xid. */
  send(message: MessageToEncode, requester?: Requester): number {
    const xid = this.requests.takeXids(1);
    if (this.#down !== undefined) {
      requester?.onDown(this.#down);
      return xid;
    }
    const bytes = encodeMessage(message, { version: this.#version ?? (this.settings.versions.at(-1) as WireVersion), xid });
    if (requester !== undefined) this.requests.add(xid, requester, this.channel.ticks);
    this.channel.write(bytes);
    return xid;
  }

  /** Sends nothing, but waits until all that was sent before has been dealt with. */
  async barrier(): Promise<void> {
    await this.request({ type: "barrierRequest" }, "barrierReply");
  }

  close(error: OfsyncError, flush = false): void {
    this.channel.close(error, flush);
  }

  /** For the channel. */
  onMessage(message: Uint8Array): void {
    if (this.#version === undefined) {
      this.#firstMessage(message);
      return;
    }
    const type = message[1] as number;
    const xid = xidOf(message);
    if (message[0] !== this.#version && type !== MessageType.error && type !== MessageType.hello) {
      throw new OfsyncError(
        "PROTOCOL_ERROR",
        `a message of version byte ${message[0]} on a connection of ${versionName(this.#version)}`,
        {
          place: { offset: 0 },
          openflowError: "OFPBRC_BAD_VERSION",
        },
      );
    }
    switch (type) {
      case MessageType.error: {
        const error = switchErrorOf(message);
        if (this.requests.error(xid, error, message) || this.#user?.onError(xid, error) === true) return;
        this.settings.logger.info("the switch reports an error that answers nothing", { xid, ...error });
        return;
      }
      case MessageType.flowRemoved:
      case MessageType.packetIn:
      case MessageType.portStatus:
      case MessageType.roleStatus:
        this.#user?.onUnasked(message, type);
        return;
      case MessageType.hello:
        return;
      default:
        if (this.requests.reply(xid, message, this.channel.ticks)) this.#user?.onProgress();
        else this.#user?.onUnasked(message, type);
    }
  }

  /** For the channel. */
  onClose(error: OfsyncError): void {
    this.#down = error;
    this.#hello?.reject(error);
    this.#hello = undefined;
    this.requests.fail(error);
    this.#user?.onDown(error);
  }

  /** For the channel. */
  onTick(): void {
    const holder = this.#holder;
    if (holder !== undefined) {
      const { requestLimit, probeIntervalMs } = this.settings;
      if (++this.#heldTicks <= requestLimit) return;
      this.release();
      holder.abandon(requestLimit * probeIntervalMs);
    }
    this.requests.checkAge(this.channel.ticks, this.settings.requestLimit, this.settings.probeIntervalMs);
  }

  /** For the channel. */
  onDrain(): void {
    this.#user?.onProgress();
  }

  async #negotiate(): Promise<void> {
    if (this.#down !== undefined) throw this.#down;
    const { versions } = this.settings;
    const agreed = new Promise<WireVersion>((resolve, reject) => {
      this.#hello = { resolve, reject };
    });
    this.channel.write(
      encodeMessage({ type: "hello", versions: [...versions] }, { version: versions.at(-1) as WireVersion, xid: 0 }),
    );
    await agreed;
  }

  #firstMessage(message: Uint8Array): void {
    const waiter = this.#hello;
    if (waiter === undefined) return;
    const decoded = decodeMessage(message);
    if (decoded.type === "error") {
      const text = new TextDecoder().decode(decoded.data).replace(/[^\x20-\x7e]/g, "");
      const incompatible = decoded.error === "OFPHFC_INCOMPATIBLE";
      throw new OfsyncError(
        incompatible ? "VERSION_UNSUPPORTED" : "PROTOCOL_ERROR",
        `the switch refused the greeting: ${decoded.error}${text === "" ? "" : `, "${text.slice(0, 200)}"`}`,
        { openflowError: decoded.error },
      );
    }
    if (decoded.type !== "hello") {
      throw new OfsyncError("PROTOCOL_ERROR", `the peer greets with ${decoded.type} instead of a hello`, {
        place: { offset: 1 },
      });
    }
    const mine: readonly number[] = this.settings.versions;
    const common = decoded.versions.filter((version) => mine.includes(version));
    if (common.length === 0) this.#refuseVersion(decoded.version, decoded.versions);
    this.#version = Math.max(...common) as WireVersion;
    this.channel.version = this.#version;
    this.#hello = undefined;
    waiter.resolve(this.#version);
  }

  /** Tells the peer, in a version it can read, before the connection ends. */
  #refuseVersion(theirs: number, versions: readonly number[]): never {
    const mine = this.settings.versions;
    const ours = mine.map(versionName).join(", ");
    const highest = mine.at(-1) as WireVersion;
    const reply = encodeMessage(
      { type: "error", error: "OFPHFC_INCOMPATIBLE", data: new TextEncoder().encode(`this controller speaks ${ours} only`) },
      { version: Math.max(1, Math.min(theirs, highest)) as WireVersion, xid: 0 },
    );
    const offered = versions.map((version) =>
      version >= 1 && version <= 6 ? versionName(version as WireVersion) : `version byte ${version}`,
    );
    const error = new OfsyncError(
      "VERSION_UNSUPPORTED",
      `no common version: the switch speaks ${offered.join(", ")}, this side ${ours}`,
      {
        openflowError: "OFPHFC_INCOMPATIBLE",
        hint: "allow one of them at the switch: ovs-vsctl set bridge BRIDGE protocols=OpenFlow15",
      },
    );
    this.channel.write(reply);
    this.channel.close(error, true);
    throw error;
  }

  async #askFeatures(): Promise<FeaturesReply> {
    const features = await this.request({ type: "featuresRequest" }, "featuresReply");
    if (features.auxiliaryId !== 0) {
      throw new OfsyncError(
        "PROTOCOL_ERROR",
        `the switch opened auxiliary connection ${features.auxiliaryId}, which was not asked for`,
      );
    }
    return features;
  }
}

/** What an error message says, as the transport reports it. An error that cannot be read is still an error. */
export function switchErrorOf(message: Uint8Array): SwitchError {
  const decoded = decodeMessage(message);
  if (decoded.type !== "error") throw new OfsyncError("PROTOCOL_ERROR", "an error message was expected");
  return { name: decoded.error, type: decoded.numbers?.type ?? 0, code: decoded.numbers?.code ?? 0 };
}
