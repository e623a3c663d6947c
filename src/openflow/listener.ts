import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { OfsyncError } from "../errors.ts";
import { formatAddress, type ListenAddress, parseListenAddress } from "./address.ts";
import {
  type ConnectionSettings,
  connectionSettings,
  numberOption,
  type OpenFlowTransportOptions,
} from "./connection-options.ts";
import { pem, tlsFor } from "./dialler.ts";
import { asConnectionError } from "./message-channel.ts";
import { OpenFlowTransport } from "./openflow-transport.ts";
import { OpenFlowSession } from "./session.ts";

export interface ListenOptions extends OpenFlowTransportOptions {
  /** Connections that may be negotiating at a time; more are closed at once. Default 256. */
  readonly maxNegotiating?: number;
  /** Switches known at a time, connected or not; a connection of one more is refused. Default 10000. */
  readonly maxSwitches?: number;
}

/** A switch that called in for the first time. Its transport stays the same when it calls again. */
export interface SwitchArrival {
  /** 64 bits; names the switch. `formatDatapathId` prints it as Open vSwitch does. */
  readonly datapathId: bigint;
  /** Call `open()` on nothing: it is connected by the switch. `close()` makes the listener forget the switch. */
  readonly transport: OpenFlowTransport;
  /** IP address of the switch; empty for a Unix socket. */
  readonly remoteAddress: string;
}

/** 64 bits as sixteen hexadecimal digits. */
export function formatDatapathId(datapathId: bigint): string {
  return datapathId.toString(16).padStart(16, "0");
}

/**
 * Waits for switches to call. Each switch, known by its datapath id, gets a transport of its own; when it calls again, the new
 * connection takes the place of the old one in the same transport. Made by {@link listenForSwitches}.
 */
export class SwitchListener {
  readonly #address: ListenAddress;
  readonly #options: ListenOptions;
  readonly #settings: ConnectionSettings;
  readonly #maxNegotiating: number;
  readonly #maxSwitches: number;
  readonly #server: Server;
  readonly #abort = new AbortController();
  readonly #transports = new Map<bigint, OpenFlowTransport>();
  readonly #sockets = new Set<Socket>();
  readonly #listeners = new Set<(arrival: SwitchArrival) => void>();
  readonly #failureListeners = new Set<(error: OfsyncError, remoteAddress: string) => void>();
  #negotiating = 0;
  #closing: Promise<void> | undefined;

  /** Use {@link listenForSwitches}. */
  constructor(address: ListenAddress, options: ListenOptions) {
    this.#address = address;
    this.#options = options;
    this.#settings = connectionSettings(options);
    this.#maxNegotiating = numberOption("maxNegotiating", options.maxNegotiating, 256, 1);
    this.#maxSwitches = numberOption("maxSwitches", options.maxSwitches, 10_000, 1);
    this.#server = this.#createServer();
  }

  /** Where it listens, with the port that the system chose when 0 was asked for. */
  get address(): string {
    const bound = this.#server.address();
    if (this.#address.kind === "punix" || bound === null || typeof bound === "string") return formatAddress(this.#address);
    return formatAddress({ ...this.#address, port: bound.port });
  }

  /** The port; 0 for a Unix socket. */
  get port(): number {
    const bound = this.#server.address();
    return bound === null || typeof bound === "string" ? 0 : bound.port;
  }

  /** The transports of all switches that have called, connected now or not, by datapath id. */
  get transports(): ReadonlyMap<bigint, OpenFlowTransport> {
    return this.#transports;
  }

  /** Calls `listener` for each switch that calls for the first time, before anything is sent to it beyond the negotiation. */
  subscribe(listener: (arrival: SwitchArrival) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` for each caller that came to nothing: no TLS, no common version, too many, silence. */
  subscribeFailures(listener: (error: OfsyncError, remoteAddress: string) => void): () => void {
    this.#failureListeners.add(listener);
    return () => this.#failureListeners.delete(listener);
  }

  /** For {@link listenForSwitches}: begins to listen. */
  start(): Promise<void> {
    const address = this.#address;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error) => {
        reject(
          new OfsyncError("LISTEN_FAILED", `cannot listen at ${formatAddress(address)}: ${error.message}`, { cause: error }),
        );
      });
      const ready = (): void => {
        this.#server.removeAllListeners("error");
        this.#server.on("error", (error) => this.#settings.logger.error("the listener failed", error));
        // Whoever may open the socket may claim to be a switch.
        if (address.kind === "punix") chmodSync(address.path, 0o600);
        resolve();
      };
      if (address.kind === "punix") this.#server.listen(address.path, ready);
      else this.#server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) }, ready);
    });
  }

  /** Stops listening and closes the transports of all its switches. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#abort.abort();
    await Promise.all([...this.#transports.values()].map((transport) => transport.close()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.#address.kind === "punix") rmSync(this.#address.path, { force: true });
  }

  #createServer(): Server {
    if (this.#address.kind !== "pssl") return createServer({ noDelay: true }, (socket) => this.#accept(socket));
    const { key, cert, ca } = tlsFor("pssl", this.#options.tls);
    const server = createTlsServer(
      {
        key: pem(key),
        cert: pem(cert),
        ca: pem(ca),
        requestCert: true,
        rejectUnauthorized: true,
        handshakeTimeout: this.#settings.connectTimeoutMs,
      },
      (socket) => {
        socket.setNoDelay(true);
        this.#accept(socket);
      },
    );
    server.on("tlsClientError", (error, socket) => {
      this.#failed(
        new OfsyncError("TLS_FAILED", `no TLS with a caller: ${error.message}`, { cause: error }),
        socket.remoteAddress ?? "",
      );
      socket.destroy();
    });
    server.on("connection", (socket: Socket) => this.#track(socket));
    return server;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #accept(socket: Socket): void {
    this.#track(socket);
    const remoteAddress = socket.remoteAddress ?? "";
    if (this.#negotiating >= this.#maxNegotiating) {
      socket.on("error", () => {});
      socket.destroy();
      this.#failed(new OfsyncError("LISTEN_OVERLOAD", `${this.#negotiating} callers are negotiating already`), remoteAddress);
      return;
    }
    this.#negotiating++;
    void this.#welcome(socket, remoteAddress)
      .catch((error: unknown) => this.#failed(asConnectionError(error), remoteAddress))
      .finally(() => {
        this.#negotiating--;
      });
  }

  async #welcome(socket: Socket, remoteAddress: string): Promise<void> {
    const session = await OpenFlowSession.establish(socket, this.#settings, this.#abort.signal);
    const { datapathId } = session.features;
    let transport = this.#transports.get(datapathId);
    const isNew = transport === undefined || transport.state.phase === "closed";
    if (transport === undefined || isNew) {
      if (transport === undefined && this.#transports.size >= this.#maxSwitches) {
        const error = new OfsyncError("LISTEN_OVERLOAD", `${this.#transports.size} switches are known already`);
        session.close(error);
        throw error;
      }
      transport = new OpenFlowTransport(undefined, this.#options);
      this.#transports.set(datapathId, transport);
      const mine = transport;
      mine.subscribeState((state) => {
        if (state.phase === "closed" && this.#transports.get(datapathId) === mine) this.#transports.delete(datapathId);
      });
      for (const listener of [...this.#listeners]) {
        this.#call(() => listener({ datapathId, transport: mine, remoteAddress }));
      }
    }
    await transport.adopt(session);
  }

  #failed(error: OfsyncError, remoteAddress: string): void {
    if (this.#closing !== undefined) return;
    this.#settings.logger.warn(`a caller was turned away: ${error.message}`, { code: error.code, remoteAddress });
    for (const listener of [...this.#failureListeners]) this.#call(() => listener(error, remoteAddress));
  }

  #call(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#settings.logger.error("a listener of the switch listener threw", error);
    }
  }
}

/**
 * Listens for switches that call in, as `ovs-vsctl set-controller BRIDGE tcp:HOST:6653` makes them.
 *
 * @param address - `ptcp:[port][:ip]`, `pssl:[port][:ip]` (needs the option `tls`) or `punix:/path`.
 * @throws {@link OfsyncError} `ADDRESS_INVALID`, `OPTION_INVALID`, `LISTEN_FAILED`.
 */
export async function listenForSwitches(address: string, options: ListenOptions = {}): Promise<SwitchListener> {
  const listener = new SwitchListener(parseListenAddress(address), options);
  await listener.start();
  return listener;
}
