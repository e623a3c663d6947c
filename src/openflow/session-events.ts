import { Flow } from "../flow/flow.ts";
import type { TransportEvent } from "../transport/transport.ts";
import { decodeMessage } from "../wire/codec.ts";
import type { FlowRemoved } from "../wire/flow-removed.ts";
import type { ControllerRole } from "../wire/role.ts";
import type { ConnectionRole } from "./connection-options.ts";
import { MonitorFeed } from "./monitor-feed.ts";
import { removalReason } from "./removal-reason.ts";
import { MessageType, type OpenFlowSession } from "./session.ts";

const ROLES: Readonly<Record<ControllerRole, ConnectionRole | undefined>> = {
  nochange: undefined,
  equal: "equal",
  master: "primary",
  slave: "secondary",
};

/**
 * Turns what a switch tells unasked into events of the transport: flows that went, changes that a flow monitor saw, a change of
 * our role. Nothing is told before {@link start}: nobody could place it.
 */
export class SessionEvents {
  readonly #session: OpenFlowSession;
  readonly #emit: (event: TransportEvent) => void;
  readonly #monitor: MonitorFeed;
  #role: ConnectionRole;
  #live = false;
  /** The switch gave this end another role. */
  onRoleChange: (() => void) | undefined;

  constructor(session: OpenFlowSession, emit: (event: TransportEvent) => void) {
    this.#session = session;
    this.#emit = emit;
    this.#role = session.settings.role;
    this.#monitor = new MonitorFeed(session, (event) => this.#tell(event));
  }

  get role(): ConnectionRole {
    return this.#role;
  }

  /** Asks for a flow monitor; false where the switch has none. */
  startMonitor(): Promise<boolean> {
    return this.#monitor.start();
  }

  start(): void {
    this.#live = true;
  }

  stop(): void {
    this.#live = false;
  }

  /** A message that answers no request. */
  onMessage(message: Uint8Array, type: number): void {
    switch (type) {
      case MessageType.flowRemoved:
        this.#removed(message);
        return;
      case MessageType.roleStatus:
        this.#roleStatus(message);
        return;
      case MessageType.multipartReply:
      case MessageType.experimenter:
        this.#monitor.onMessage(message);
        return;
      default:
      // Packets and ports were switched off; a switch that sends them all the same means no harm.
    }
  }

  #removed(message: Uint8Array): void {
    if (!this.#live) return;
    let removed: FlowRemoved;
    try {
      const decoded = decodeMessage(message);
      if (decoded.type !== "flowRemoved") return;
      removed = decoded;
    } catch (error) {
      // A flow that cannot be read is gone all the same: which one, only reading back can tell.
      this.#session.settings.logger.warn("a FLOW_REMOVED could not be read", error);
      this.#tell({ type: "gap" });
      return;
    }
    const { table, priority, match, cookie, idleTimeout, hardTimeout } = removed;
    if (table > 254) return;
    const flow = new Flow({ table, priority, match, cookie, idleTimeout, hardTimeout });
    this.#tell({ type: "removed", flow, reason: removalReason(removed.reason) });
  }

  #roleStatus(message: Uint8Array): void {
    const decoded = decodeMessage(message);
    if (decoded.type !== "roleStatus") return;
    const role = ROLES[decoded.role];
    if (role === undefined || role === this.#role) return;
    this.#session.settings.logger.warn(`the switch made this end ${role}`, { reason: decoded.reason });
    this.#role = role;
    this.onRoleChange?.();
  }

  #tell(event: TransportEvent): void {
    if (this.#live) this.#emit(event);
  }
}
