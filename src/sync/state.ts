import type { ReadPurpose } from "./read-back.ts";

/**
 * Where a synchroniser stands:
 *
 * ```text
 * stopped → connecting → readingBack → sending ⇄ backlogged
 *                                      sending → confirming → inSync
 * ```
 *
 * From `inSync` a change leads back to `sending` and doubt to `readingBack`; from everywhere a lost connection leads to `connecting`.
 * `docs/synchroniser.md` draws all of it and tells each transition in words; {@link SYNC_TRANSITIONS} is the table.
 */
export type SyncState =
  /** Not started, or stopped for good. Nothing is known and nothing is sent. */
  | { readonly name: "stopped" }
  /** Waiting for the transport to say `up`. The desired table collects changes; nothing is built. */
  | { readonly name: "connecting" }
  /** Reading the switch's flows. Nothing is sent meanwhile, so what is read is what is there. */
  | { readonly name: "readingBack"; readonly epoch: number; readonly purpose: ReadPurpose }
  /** Clearing the switch and writing every wanted flow in one atomic unit (`onConnect: "reinstall"`). */
  | { readonly name: "reinstalling"; readonly epoch: number; readonly revision: number }
  /** Building the flow-mods of a round and giving them to the transport. `revision`: what the round covers. */
  | { readonly name: "sending"; readonly epoch: number; readonly revision: number }
  /** The switch is behind: nothing more is built until it has caught up. */
  | { readonly name: "backlogged"; readonly epoch: number; readonly revision: number }
  /** All flow-mods of the round are sent; not all are answered. */
  | { readonly name: "confirming"; readonly epoch: number; readonly revision: number }
  /** The switch has confirmed everything up to `revision`, refused flows aside. */
  | { readonly name: "inSync"; readonly epoch: number; readonly revision: number }
  /** A read-back failed, or flow-mods ended with an unknown fate again and again: a pause before reading back. */
  | { readonly name: "backingOff"; readonly epoch: number; readonly delayMs: number; readonly reason: string };

export type SyncStateName = SyncState["name"];

/** Every transition that can happen; tests check the machine against this table and `docs/synchroniser.md` is drawn from it. */
export const SYNC_TRANSITIONS: { readonly [From in SyncStateName]: readonly SyncStateName[] } = {
  stopped: ["connecting"],
  connecting: ["readingBack", "reinstalling", "stopped"],
  readingBack: ["sending", "reinstalling", "inSync", "readingBack", "backingOff", "connecting", "stopped"],
  reinstalling: ["sending", "inSync", "readingBack", "backingOff", "connecting", "stopped"],
  sending: ["confirming", "backlogged", "backingOff", "connecting", "stopped"],
  backlogged: ["sending", "backingOff", "connecting", "stopped"],
  confirming: ["sending", "inSync", "readingBack", "backingOff", "connecting", "stopped"],
  inSync: ["sending", "readingBack", "backingOff", "connecting", "stopped"],
  backingOff: ["readingBack", "reinstalling", "connecting", "stopped"],
};
