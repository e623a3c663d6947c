import type { FlowModCommand } from "../diff/flow-mod.ts";
import type { Flow } from "../flow/flow.ts";
import type { ReadBackChange } from "../table/installed-table.ts";
import type { RemovalReason, TransportEvent } from "../transport/transport.ts";
import type { DriftAction, DriftKind } from "./events.ts";
import { keyText } from "./key-text.ts";
import { sameValue } from "./same-value.ts";
import type { SwitchKnowledge } from "./switch-knowledge.ts";
import type { Telemetry } from "./telemetry.ts";

/** What the watch needs of the synchroniser's other parts. */
export interface DriftWatchHooks {
  /** The flow-mod under way for this key, if any. */
  inFlight(key: string): FlowModCommand | undefined;
  /** The fate of the flow-mod under way for this key is in doubt. */
  doubt(key: string): void;
  /** The switch is not what was confirmed: something has to be done. */
  disturbed(): void;
}

type ChangedEvent = Extract<TransportEvent, { type: "changed" }>;

/**
 * Turns what the transport tells of others' changes into knowledge. It never sends anything: once the installed table says what
 * is there, the next round undoes what nobody wants.
 */
export class DriftWatch {
  readonly #knowledge: SwitchKnowledge;
  readonly #telemetry: Telemetry;
  readonly #hooks: DriftWatchHooks;

  constructor(knowledge: SwitchKnowledge, telemetry: Telemetry, hooks: DriftWatchHooks) {
    this.#knowledge = knowledge;
    this.#telemetry = telemetry;
    this.#hooks = hooks;
  }

  /** A flow monitor saw a change. */
  changed(event: ChangedEvent): void {
    // What our own add evicted is not what we asked for.
    if (event.own && event.reason !== "eviction") return;
    const { ownership } = this.#knowledge.settings;
    if (ownership !== undefined && !ownership.owns(event.flow)) this.#foreignChanged(event);
    else if (event.change === "deleted") this.removed(event.flow, event.reason ?? this.#likelyReason(event.flow));
    else this.#written(this.#knowledge.completed(event.flow));
  }

  /** The switch dropped a flow, or somebody had it deleted. */
  removed(flow: Flow, reason: RemovalReason): void {
    const { ownership, table } = this.#knowledge.settings;
    const { installed } = this.#knowledge;
    if (ownership !== undefined && !ownership.owns(flow)) return;
    const command = this.#hooks.inFlight(keyText(flow));
    if (command === "delete") return;
    if (reason === "eviction" && table.winner(flow) !== undefined) this.#knowledge.evicted(flow);
    if (command !== undefined) {
      this.#hooks.doubt(keyText(flow));
      return;
    }
    const before = installed.state(flow);
    this.#knowledge.gone(flow);
    if (before.state === "absent") return;
    this.#hooks.disturbed();
    const wanted = table.winner(flow);
    if (wanted === undefined) {
      this.#knowledge.expiry.forget(flow);
      return;
    }
    // The flow that ran out may be an older one than the flow that is wanted now.
    const timedOut = reason === "idleTimeout" || reason === "hardTimeout";
    const isTheWanted = wanted.idleTimeout !== 0 || wanted.hardTimeout !== 0;
    if (timedOut && isTheWanted) this.#expired(wanted, reason);
    else {
      this.#knowledge.expiry.forget(flow);
      if (reason !== "eviction") this.#drift("missing", "repaired", "monitor", flow);
    }
  }

  /** A read-back found something else than was known. */
  surprised({ kind, key, flow }: ReadBackChange): void {
    const { table } = this.#knowledge.settings;
    const wanted = table.winner(key);
    if (kind === "missing") {
      if (wanted === undefined) return;
      this.#hooks.disturbed();
      if (this.#knowledge.expiry.mayHaveExpired(key, true)) this.#expired(wanted, "readBack");
      else {
        this.#knowledge.expiry.forget(key);
        this.#drift("missing", "repaired", "readBack", wanted);
      }
      return;
    }
    if (flow === undefined) return;
    if (wanted === undefined) {
      this.#hooks.disturbed();
      this.#drift("unwanted", "removed", "readBack", flow);
    } else if (!sameValue(flow, wanted)) {
      this.#hooks.disturbed();
      this.#drift("altered", "repaired", "readBack", flow);
    }
  }

  /** After the read-back of a new connection: wanted flows whose hard timeout is certainly over need not come back. */
  forgetExpiredMeanwhile(): void {
    const { expiry, installed, settings } = this.#knowledge;
    for (const key of [...expiry.keys()]) {
      if (installed.state(key).state !== "absent") continue;
      const wanted = settings.table.winner(key);
      if (wanted === undefined) expiry.forget(key);
      else if (expiry.mayHaveExpired(key, false)) this.#expired(wanted, "readBack");
      else expiry.forget(key);
    }
  }

  #foreignChanged({ change, flow }: ChangedEvent): void {
    const { foreign, installed } = this.#knowledge;
    if (foreign === undefined) return;
    if (change === "deleted") {
      this.#knowledge.gone(flow, foreign);
      this.#knowledge.freed(flow);
      this.#hooks.disturbed();
      return;
    }
    foreign.set(flow);
    if (this.#hooks.inFlight(keyText(flow)) !== undefined) {
      this.#hooks.doubt(keyText(flow));
      return;
    }
    if (installed.state(flow).state === "absent") return;
    // Somebody wrote over a flow of ours: the place is theirs now.
    installed.setAbsent(flow);
    this.#hooks.disturbed();
    this.#drift("altered", "kept", "monitor", flow);
  }

  /** Somebody added or modified a flow that counts as ours. */
  #written(flow: Flow): void {
    const { installed, settings } = this.#knowledge;
    const key = keyText(flow);
    if (this.#hooks.inFlight(key) !== undefined) {
      this.#hooks.doubt(key);
      return;
    }
    const before = installed.state(flow);
    const wanted = settings.table.winner(flow);
    if (wanted === undefined && before.state === "absent" && settings.foreign !== "remove" && settings.ownership === undefined) {
      this.#strange(flow);
      return;
    }
    const { foreign } = this.#knowledge;
    if (foreign !== undefined) this.#knowledge.gone(flow, foreign);
    installed.set(flow);
    if (wanted === undefined) {
      this.#hooks.disturbed();
      this.#drift("unwanted", "removed", "monitor", flow);
    } else if (!sameValue(flow, wanted)) {
      this.#hooks.disturbed();
      this.#drift("altered", "repaired", "monitor", flow);
    }
  }

  /** A monitor that does not tell why a flow went: if its time can be over, it is. */
  #likelyReason(flow: Flow): RemovalReason {
    return this.#knowledge.expiry.mayHaveExpired(flow, true) ? "idleTimeout" : "other";
  }

  #strange(flow: Flow): void {
    if (this.#knowledge.settings.foreign === "adopt") {
      this.#knowledge.installed.set(flow);
      this.#knowledge.adopt([flow], "monitor");
    } else this.#drift("unwanted", "kept", "monitor", flow);
  }

  #expired(flow: Flow, reason: RemovalReason | "readBack"): void {
    const action = this.#knowledge.expired(flow);
    this.#telemetry.emit({ type: "expired", flow, reason, action });
  }

  #drift(kind: DriftKind, action: DriftAction, source: "monitor" | "readBack", flow: Flow): void {
    this.#telemetry.add(action === "kept" ? "kept" : "repaired");
    this.#telemetry.emit({ type: "drift", kind, action, source, flow });
    this.#knowledge.settings.logger.info(`${this.#knowledge.settings.name}: drift: ${kind}, ${action}`, flow);
  }
}
