import { type Clock, type Random, systemClock, systemRandom } from "../clock.ts";
import { OfsyncError } from "../errors.ts";
import type { OpenFlowVersion, WireVersion } from "../flow/version.ts";
import { wireVersionOf } from "../flow/version.ts";
import { type Logger, silentLogger } from "../log.ts";
import type { BackOffOptions } from "./back-off.ts";

/** Versions this library speaks with switches, best first. */
export const SUPPORTED_VERSIONS: readonly OpenFlowVersion[] = ["OpenFlow15", "OpenFlow14", "OpenFlow13"];

/** What this end may do at the switch. `primary` and `secondary` are OpenFlow's MASTER and SLAVE. */
export type ConnectionRole = "equal" | "primary" | "secondary";

/** Certificates for `ssl:` and `pssl:`. All three are PEM texts. */
export interface TlsOptions {
  readonly key: string | Uint8Array;
  readonly cert: string | Uint8Array;
  /** The authority that must have signed the other side's certificate. */
  readonly ca: string | Uint8Array;
  /**
   * When dialling: the name or IP address that the switch's certificate must carry. Default: none is asked for, as in Open
   * vSwitch, whose certificates carry no host name; who may be a switch is then decided by `ca` alone.
   */
  readonly hostName?: string;
}

/** Options of one connection and of its being kept alive. All times are in milliseconds. */
export interface ConnectionOptions {
  /** Versions to offer; default 1.5, 1.4 and 1.3. The highest that both sides speak is used. */
  readonly versions?: readonly OpenFlowVersion[];
  /** Needed for `ssl:` and `pssl:` addresses. */
  readonly tls?: TlsOptions;
  /** Time for dialling and all of the negotiation; default 10000. */
  readonly connectTimeoutMs?: number;
  /** How often life is checked; a peer that was silent that long is sent an echo request. Default 5000. */
  readonly probeIntervalMs?: number;
  /**
   * After so many unanswered probes the peer is dead; default 3. It also bounds, in probe intervals, how long a message may
   * take to arrive and how long the peer may read nothing.
   */
  readonly probeLimit?: number;
  /** How long an answer to a request may take; default 60000. Rounded up to probe intervals. */
  readonly requestTimeoutMs?: number;
  /** Bytes that may wait for a peer that does not read, apart from the flow-mods of the batch being sent; default 1 MiB. */
  readonly maxOutputBytes?: number;
  /** Default `equal`. With `primary` and `secondary` nothing is sent before the switch has confirmed the role. */
  readonly role?: ConnectionRole;
  /**
   * Orders the claims of controllers that want to be primary: 64 bits, a switch refuses one that is older than the last it
   * saw. A function is asked anew for each connection. Needed for `primary` and `secondary`.
   */
  readonly generationId?: bigint | (() => bigint);
  /** Ask the switch for a flow monitor, where it has one; default true. Without it there are no `changed` events. */
  readonly monitor?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** Options of a transport: of its connections, of coming back, and of sending. */
export interface OpenFlowTransportOptions extends ConnectionOptions {
  /** Delays between attempts to connect; see {@link BackOffOptions}. */
  readonly backOff?: BackOffOptions;
  /** A connection that lived that long counts as well: the next attempt is made without a long delay. Default 5000. */
  readonly stableAfterMs?: number;
  /** Bytes that were sent and not confirmed from which on the transport is backlogged; default 1 MiB. */
  readonly backlogBytes?: number;
  /** Most flow-mods in an atomic batch; default 1,000,000. A longer one is refused with `BUNDLE_TOO_LARGE`. */
  readonly maxBundleMessages?: number;
  /** Most bytes in an atomic batch as it goes over the wire; default 256 MiB. */
  readonly maxBundleBytes?: number;
}

/** {@link ConnectionOptions} checked and with every default filled in. */
export interface ConnectionSettings {
  /** Version bytes, ascending. */
  readonly versions: readonly WireVersion[];
  readonly tls: TlsOptions | undefined;
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeLimit: number;
  /** In probe intervals. */
  readonly requestLimit: number;
  readonly maxOutputBytes: number;
  readonly role: ConnectionRole;
  readonly generationId: () => bigint | undefined;
  readonly monitor: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Checks a number of the options; throws `OPTION_INVALID` with its name. */
export function numberOption(name: string, value: number | undefined, fallback: number, least: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number" || !(value >= least) || value > Number.MAX_SAFE_INTEGER) {
    throw new OfsyncError("OPTION_INVALID", `${name} is ${String(value)}, but must be a number from ${least} on`, {
      place: { field: name },
    });
  }
  return value;
}

function invalid(field: string, message: string): never {
  throw new OfsyncError("OPTION_INVALID", message, { place: { field } });
}

/** @throws {@link OfsyncError} `OPTION_INVALID` with the option in `place.field`. */
export function connectionSettings(options: ConnectionOptions): ConnectionSettings {
  const names = options.versions ?? SUPPORTED_VERSIONS;
  if (names.length === 0) invalid("versions", "versions is empty");
  for (const name of names) {
    if (!SUPPORTED_VERSIONS.includes(name)) {
      invalid("versions", `versions has ${String(name)}, but only ${SUPPORTED_VERSIONS.join(", ")} are spoken`);
    }
  }
  const versions = [...new Set(names.map(wireVersionOf))].sort((a, b) => a - b);
  const role = options.role ?? "equal";
  if (!["equal", "primary", "secondary"].includes(role))
    invalid("role", `role is ${String(role)}, but must be equal, primary or secondary`);
  const generation = options.generationId;
  if (role !== "equal" && generation === undefined) invalid("generationId", `the role ${role} needs a generationId`);
  if (typeof generation === "bigint" && (generation < 0n || generation > 0xffff_ffff_ffff_ffffn)) {
    invalid("generationId", "generationId must be an unsigned 64-bit number");
  }
  const probeIntervalMs = numberOption("probeIntervalMs", options.probeIntervalMs, 5000, 1);
  return {
    versions,
    tls: options.tls,
    connectTimeoutMs: numberOption("connectTimeoutMs", options.connectTimeoutMs, 10_000, 1),
    probeIntervalMs,
    probeLimit: numberOption("probeLimit", options.probeLimit, 3, 1),
    requestLimit: Math.ceil(numberOption("requestTimeoutMs", options.requestTimeoutMs, 60_000, 1) / probeIntervalMs),
    maxOutputBytes: numberOption("maxOutputBytes", options.maxOutputBytes, 1 << 20, 1024),
    role,
    generationId: typeof generation === "function" ? generation : () => generation,
    monitor: options.monitor ?? true,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    logger: options.logger ?? silentLogger,
  };
}
