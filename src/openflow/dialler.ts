import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { OfsyncError } from "../errors.ts";
import { type DialAddress, formatAddress } from "./address.ts";
import type { ConnectionSettings, TlsOptions } from "./connection-options.ts";
import { isTlsError } from "./message-channel.ts";

/**
 * Opens a socket to a switch; for `ssl:` it is returned when both sides have shown certificates that the other accepts (the
 * refusal of ours may come later, with TLS 1.3, as the first thing that is read).
 *
 * @throws {@link OfsyncError} `CONNECT_FAILED`, `CONNECT_TIMEOUT`, `TLS_FAILED`; `CONNECTION_ABORTED` when `signal` fires.
 */
export function dial(address: DialAddress, settings: ConnectionSettings, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(aborted(address));
      return;
    }
    const socket = begin(address, settings.tls);
    const end = (error: OfsyncError | undefined): void => {
      settings.clock.clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      socket.removeListener("error", failed);
      socket.removeListener("close", closed);
      if (error === undefined) {
        resolve(socket);
        return;
      }
      // A destroyed socket may still report; nobody listens any more, and an unheard error would end the process.
      socket.on("error", () => {});
      socket.destroy();
      reject(error);
    };
    const abort = (): void => end(aborted(address));
    const failed = (error: Error): void => {
      const where = formatAddress(address);
      end(
        isTlsError(error)
          ? new OfsyncError("TLS_FAILED", `no TLS with ${where}: ${error.message}`, { cause: error })
          : new OfsyncError("CONNECT_FAILED", `cannot connect to ${where}: ${error.message}`, { cause: error }),
      );
    };
    const closed = (): void => failed(new Error("the connection was closed before it was ready"));
    const timer = settings.clock.setTimeout(() => {
      const after = settings.connectTimeoutMs;
      end(new OfsyncError("CONNECT_TIMEOUT", `${formatAddress(address)} did not accept a connection within ${after} ms`));
    }, settings.connectTimeoutMs);
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", failed);
    socket.once("close", closed);
    socket.once(address.kind === "ssl" ? "secureConnect" : "connect", () => end(undefined));
  });
}

function aborted(address: DialAddress): OfsyncError {
  return new OfsyncError("CONNECTION_ABORTED", `dialling ${formatAddress(address)} was given up`);
}

function begin(address: DialAddress, tls: TlsOptions | undefined): Socket {
  if (address.kind === "unix") return connectTcp({ path: address.path });
  if (address.kind === "tcp") return connectTcp({ host: address.host, port: address.port, noDelay: true });
  const { key, cert, ca, hostName } = tlsFor(address.kind, tls);
  const socket = connectTls({
    host: address.host,
    port: address.port,
    key: pem(key),
    cert: pem(cert),
    ca: pem(ca),
    rejectUnauthorized: true,
    ...(hostName === undefined || isIP(hostName) !== 0 ? {} : { servername: hostName }),
    ...(hostName === undefined
      ? { checkServerIdentity: () => undefined }
      : isIP(hostName) !== 0
        ? { checkServerIdentity: (_host, peer) => checkIp(hostName, peer.subjectaltname) }
        : {}),
  });
  socket.setNoDelay(true);
  return socket;
}

function checkIp(address: string, names: string | undefined): Error | undefined {
  const found = (names ?? "")
    .split(", ")
    .some((name) => name === `IP Address:${address}` || name === `IP Address:${expanded(address)}`);
  return found ? undefined : new Error(`the certificate is not for ${address}`);
}

/** IPv6 as certificates print it: all eight groups, without leading zeros, upper case. */
function expanded(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = tail === undefined ? front : [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
  return groups.map((group) => Number.parseInt(group, 16).toString(16).toUpperCase()).join(":");
}

/** @throws {@link OfsyncError} `OPTION_INVALID` when TLS is asked for without certificates. */
export function tlsFor(kind: string, tls: TlsOptions | undefined): TlsOptions {
  if (tls?.key === undefined || tls.cert === undefined || tls.ca === undefined) {
    throw new OfsyncError("OPTION_INVALID", `${kind}: needs the option tls with key, cert and ca`, {
      place: { field: "tls" },
      hint: "give the PEM texts of your key and certificate, and of the authority that signs the switches' certificates",
    });
  }
  return tls;
}

/** PEM as Node's TLS takes it. */
export function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === "string" ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength);
}
