import { type Clock, type Random, systemClock, systemRandom } from "../clock.ts";
import { OfsyncError } from "../errors.ts";
import { type Logger, silentLogger } from "../log.ts";
import type { DesiredFlowTable } from "../table/desired-table.ts";
import type { OwnerId } from "../table/owner-id.ts";
import type { ReadFilter, SendOptions, Transport } from "../transport/transport.ts";
import type { BackOff, BackOffOptions } from "./back-off.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { Metrics } from "./metrics.ts";
import { Ownership, type OwnershipOptions } from "./ownership.ts";

/** What to do with a flow of the switch that nobody wants and that this synchroniser did not put there. */
export type ForeignPolicy = "keep" | "remove" | "adopt";

/** What to do when the switch itself drops a wanted flow because its idle or hard timeout ran out. */
export type ExpiredPolicy = "forget" | "reinstall";

/** How flow-mods are gathered and sent. */
export interface BatchOptions {
  /** Flow-mods in one batch, 1 to 65536; default 2048. */
  readonly maxFlowMods?: number;
  /** Approximate bytes of one batch, at least 1024; default 512 KiB. */
  readonly maxBytes?: number;
  /** Batches sent and not yet answered, 1 to 64; default 4. */
  readonly maxOutstanding?: number;
  /**
   * `whenPossible` (default): each batch is applied all or nothing where the switch can do that; when the switch refuses a
   * flow of such a batch, the batch is sent once more without that tie, so that every other flow goes in. `never`: no bundles.
   */
  readonly atomic?: "whenPossible" | "never";
}

/** Looking for drift by reading the switch back. */
export interface AuditOptions {
  /** `withoutMonitor` (default): only where the transport does not report others' changes. `always`, `never`. */
  readonly when?: "withoutMonitor" | "always" | "never";
  /**
   * Bytes of flow statistics per second that audits may cost on average, at least 1; default 1 MiB. The interval follows: the
   * bytes of the last read-back divided by this.
   */
  readonly bytesPerSecond?: number;
  /** Shortest and longest interval in milliseconds, whatever the budget; defaults 5000 and 600000. */
  readonly minIntervalMs?: number;
  readonly maxIntervalMs?: number;
}

export interface SynchroniserOptions {
  /** What the switch should hold. One desired table serves one switch and one synchroniser at a time. */
  readonly table: DesiredFlowTable;
  /** The way to the switch. */
  readonly transport: Transport;
  /** Which flows are ours, by cookie. Default: the whole switch is ours and `foreign` decides. */
  readonly ownership?: OwnershipOptions;
  /**
   * Flows that nobody wants, when `ownership` is not set (with it, foreign flows are always kept, and unwanted flows of ours
   * are always removed). Default `remove`: the switch becomes equal to the desired table.
   */
  readonly foreign?: ForeignPolicy;
  /** Owner of adopted flows in the desired table; required with `foreign: "adopt"`. */
  readonly adoptingOwner?: OwnerId;
  /** Default `forget`: an expired flow is taken out of the desired table, so that its owner must set it again to get it back. */
  readonly expired?: ExpiredPolicy;
  /** Default `difference`: read back and send what differs. `reinstall`: clear and write everything, in one atomic unit. */
  readonly onConnect?: "difference" | "reinstall";
  readonly batch?: BatchOptions;
  readonly audit?: AuditOptions;
  /** Waits between tries of a refused flow. */
  readonly retry?: BackOffOptions;
  /** Waits after a failed read-back; defaults 200 ms to 30 s. */
  readonly readBackRetry?: BackOffOptions;
  /** Longest time in milliseconds that `stop` waits for answers to what is already sent; default 1000. */
  readonly stopTimeoutMs?: number;
  /** Close the transport on `stop`; default true. */
  readonly closeTransport?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  readonly diagnostics?: Diagnostics;
  /** Name of the switch in metrics, diagnostics and the log; default `switch`. */
  readonly name?: string;
}

/** {@link SynchroniserOptions} with the defaults filled in and checked. */
export interface SyncSettings {
  readonly table: DesiredFlowTable;
  readonly transport: Transport;
  readonly ownership: Ownership | undefined;
  readonly foreign: ForeignPolicy;
  readonly adoptingOwner: OwnerId | undefined;
  readonly expired: ExpiredPolicy;
  readonly onConnect: "difference" | "reinstall";
  readonly batch: Required<BatchOptions>;
  readonly audit: Required<AuditOptions>;
  readonly retry: BackOff;
  readonly readBackRetry: BackOff;
  readonly stopTimeoutMs: number;
  readonly closeTransport: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics | undefined;
  readonly diagnostics: Diagnostics | undefined;
  readonly name: string;
  /** What a reinstall clears. */
  readonly clearFilter: ReadFilter;
  /** Keeps modifies and deletes from foreign flows. */
  readonly guard: SendOptions["guard"];
}

/** Checks the options; throws `SYNC_OPTION` with the field in `place.field`. */
export function settingsOf(options: SynchroniserOptions): SyncSettings {
  if (typeof options?.table?.startRound !== "function") throw wrong("table", "must be a DesiredFlowTable");
  if (typeof options.transport?.send !== "function") throw wrong("transport", "must be a Transport");
  const ownership = options.ownership === undefined ? undefined : new Ownership(options.ownership);
  const foreign = oneOf("foreign", options.foreign ?? (ownership === undefined ? "remove" : "keep"), ["keep", "remove", "adopt"]);
  if (ownership !== undefined && foreign !== "keep") {
    throw wrong("foreign", `is ${foreign}, but with ownership foreign flows are always kept`);
  }
  if (foreign === "adopt" && options.adoptingOwner === undefined) {
    throw wrong("adoptingOwner", 'is missing, but foreign: "adopt" needs an owner for the adopted flows');
  }
  const onConnect = oneOf("onConnect", options.onConnect ?? "difference", ["difference", "reinstall"]);
  if (onConnect === "reinstall" && ownership === undefined && foreign !== "remove") {
    throw wrong("onConnect", `is reinstall, which clears the switch, but foreign flows are to be treated as ${foreign}`);
  }
  const batch = options.batch ?? {};
  const audit = options.audit ?? {};
  return {
    table: options.table,
    transport: options.transport,
    ownership,
    foreign,
    adoptingOwner: options.adoptingOwner,
    expired: oneOf("expired", options.expired ?? "forget", ["forget", "reinstall"]),
    onConnect,
    batch: {
      maxFlowMods: whole("batch.maxFlowMods", batch.maxFlowMods ?? 2048, 1, 65_536),
      maxBytes: whole("batch.maxBytes", batch.maxBytes ?? 512 * 1024, 1024, 2 ** 31),
      maxOutstanding: whole("batch.maxOutstanding", batch.maxOutstanding ?? 4, 1, 64),
      atomic: oneOf("batch.atomic", batch.atomic ?? "whenPossible", ["whenPossible", "never"]),
    },
    audit: {
      when: oneOf("audit.when", audit.when ?? "withoutMonitor", ["withoutMonitor", "always", "never"]),
      bytesPerSecond: number("audit.bytesPerSecond", audit.bytesPerSecond ?? 1024 * 1024, 1),
      minIntervalMs: number("audit.minIntervalMs", audit.minIntervalMs ?? 5000, 1),
      maxIntervalMs: number("audit.maxIntervalMs", audit.maxIntervalMs ?? 600_000, 1),
    },
    retry: backOff("retry", options.retry, 1000, 60_000),
    readBackRetry: backOff("readBackRetry", options.readBackRetry, 200, 30_000),
    stopTimeoutMs: number("stopTimeoutMs", options.stopTimeoutMs ?? 1000, 0),
    closeTransport: options.closeTransport ?? true,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    logger: options.logger ?? silentLogger,
    metrics: options.metrics,
    diagnostics: options.diagnostics,
    name: options.name ?? "switch",
    guard: ownership === undefined ? undefined : { cookie: ownership.cookie, cookieMask: ownership.mask },
    clearFilter: ownership === undefined ? {} : { cookie: ownership.cookie, cookieMask: ownership.mask },
  };
}

function backOff(field: string, options: BackOffOptions = {}, initialMs: number, maxMs: number): BackOff {
  const initial = number(`${field}.initialMs`, options.initialMs ?? initialMs, 1);
  const jitter = number(`${field}.jitter`, options.jitter ?? 0.2, 0);
  if (jitter > 1) throw wrong(`${field}.jitter`, `is ${jitter}, but must be from 0 to 1`);
  return {
    initialMs: initial,
    maxMs: number(`${field}.maxMs`, options.maxMs ?? Math.max(maxMs, initial), initial),
    factor: number(`${field}.factor`, options.factor ?? 2, 1),
    jitter,
  };
}

function oneOf<Value extends string>(field: string, value: Value, allowed: readonly Value[]): Value {
  if (!allowed.includes(value)) throw wrong(field, `is ${String(value)}, but must be one of ${allowed.join(", ")}`);
  return value;
}

function number(field: string, value: number, min: number): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < min) {
    throw wrong(field, `is ${String(value)}, but must be a number of at least ${min}`);
  }
  return value;
}

function whole(field: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw wrong(field, `is ${String(value)}, but must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function wrong(field: string, message: string): OfsyncError {
  return new OfsyncError("SYNC_OPTION", `${field} ${message}`, { place: { field } });
}
