import { isOfsyncError } from "../errors.ts";
import { Flow } from "../flow/flow.ts";
import { Match } from "../flow/match.ts";
import type { TransportEvent } from "../transport/transport.ts";
import { decodeMessage } from "../wire/codec.ts";
import { type FlowUpdate, MonitorFlag } from "../wire/flow-monitor.ts";
import type { OpenFlowMessage } from "../wire/messages.ts";
import { removalReason } from "./removal-reason.ts";
import type { OpenFlowSession } from "./session.ts";

const ANY = 0xffff_ffff;
const ALL_TABLES = 0xff;
const MONITOR_ID = 1;
/** Changes with their instructions. Own changes come abbreviated to an xid, without {@link MonitorFlag.noAbbreviation}. */
const FLAGS = MonitorFlag.added | MonitorFlag.removed | MonitorFlag.modified | MonitorFlag.instructions;

const CHANGES = { added: "added", modified: "modified", removed: "deleted" } as const;

/**
 * A flow monitor over the whole switch (OpenFlow 1.4 and later; ONF's extension in 1.3). Others' changes become `changed`
 * events; own ones are not told. When the switch pauses the monitor, because its answers cannot leave fast enough, a `gap`
 * is told, and another when it goes on; what it says in between is incomplete and dropped.
 */
export class MonitorFeed {
  readonly #session: OpenFlowSession;
  readonly #tell: (event: TransportEvent) => void;
  #paused = false;

  constructor(session: OpenFlowSession, tell: (event: TransportEvent) => void) {
    this.#session = session;
    this.#tell = tell;
  }

  /** Asks the switch for a monitor; false when it refuses. Rejects when the connection goes. */
  async start(): Promise<boolean> {
    const monitor = {
      id: MONITOR_ID,
      command: "add",
      flags: FLAGS,
      outPort: ANY,
      outGroup: ANY,
      table: ALL_TABLES,
      match: Match.any,
    } as const;
    try {
      await this.#session.request({ type: "flowMonitorRequest", monitors: [monitor] }, "flowMonitorReply");
      return true;
    } catch (error) {
      if (!isOfsyncError(error, "REQUEST_REFUSED")) throw error;
      this.#session.settings.logger.info("the switch has no flow monitor", error);
      return false;
    }
  }

  /** A message that may be the monitor's. */
  onMessage(bytes: Uint8Array): void {
    if (isOwnOnly(bytes)) return;
    let message: OpenFlowMessage;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      // Something changed, and what, only reading back can tell.
      this.#session.settings.logger.warn("an update of the flow monitor could not be read", error);
      this.#tell({ type: "gap" });
      return;
    }
    if (message.type === "flowMonitorReply") for (const update of message.updates) this.#take(update);
    else if (message.type === "flowMonitorPaused") this.#pause();
    else if (message.type === "flowMonitorResumed") this.#resume();
  }

  #take(update: FlowUpdate): void {
    switch (update.event) {
      case "abbreviated":
      case "initial":
        return;
      case "paused":
        this.#pause();
        return;
      case "resumed":
        this.#resume();
        return;
      default:
    }
    if (this.#paused || update.table > 254) return;
    const { table, priority, match, instructions, cookie, idleTimeout, hardTimeout } = update;
    const flow = new Flow({ table, priority, match, instructions, cookie, idleTimeout, hardTimeout });
    const change = CHANGES[update.event];
    const reason = change === "deleted" ? { reason: removalReason(update.reason) } : {};
    this.#tell({ type: "changed", change, flow, own: false, ...reason });
  }

  #pause(): void {
    this.#paused = true;
    this.#tell({ type: "gap" });
  }

  #resume(): void {
    this.#paused = false;
    this.#tell({ type: "gap" });
  }
}

const MULTIPART_REPLY = 19;
const FLOW_MONITOR = 16;
const EXPERIMENTER = 0xffff;

/**
 * Does the message hold nothing but abbreviated updates (8 bytes each: length, event, xid)? Open vSwitch sends one such message
 * for each of our own flow-mods, so that this is looked at without decoding.
 */
function isOwnOnly(bytes: Uint8Array): boolean {
  if (bytes[1] !== MULTIPART_REPLY) return false;
  const kind = ((bytes[8] as number) << 8) | (bytes[9] as number);
  // ONF's extension in 1.3 has 8 bytes more in front, and another number for the event.
  const start = kind === FLOW_MONITOR ? 16 : kind === EXPERIMENTER ? 24 : bytes.length;
  const abbreviated = kind === FLOW_MONITOR ? 4 : 3;
  let at = start;
  while (at + 8 <= bytes.length) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 8 || bytes[at + 2] !== 0 || bytes[at + 3] !== abbreviated) return false;
    at += 8;
  }
  return at > start && at === bytes.length;
}
