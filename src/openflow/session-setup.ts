import { isOfsyncError, OfsyncError } from "../errors.ts";
import type { AsyncMasks } from "../wire/async-config.ts";
import type { ControllerRole } from "../wire/role.ts";
import type { ConnectionRole } from "./connection-options.ts";
import type { FlowModSender } from "./flow-mod-sender.ts";
import type { OpenFlowSession } from "./session.ts";

const WIRE_ROLES: Readonly<Record<ConnectionRole, ControllerRole>> = { equal: "equal", primary: "master", secondary: "slave" };

/** What the switch turned out to have. */
export interface SessionAbilities {
  readonly atomic: boolean;
  /** It deals with messages one after the other, as Open vSwitch does; others may reorder what no barrier divides. */
  readonly inOrder: boolean;
}

/**
 * Makes a negotiated session ready for use. The role comes first, and nothing else is sent before the switch has confirmed
 * it; then messages that nobody wants (packets, ports) are switched off, FLOW_REMOVED on, and bundles are tried.
 *
 * @throws {@link OfsyncError} `ROLE_STALE`, `ROLE_REFUSED`, or what ended the connection.
 */
export async function setUpSession(session: OpenFlowSession, sender: FlowModSender): Promise<SessionAbilities> {
  const { role } = session.settings;
  if (role !== "equal") await claimRole(session, role);
  const [, atomic, inOrder] = await Promise.all([
    chooseMessages(session),
    role === "secondary" ? false : sender.probeBundles(),
    isOpenVSwitch(session),
  ]);
  return { atomic, inOrder };
}

async function isOpenVSwitch(session: OpenFlowSession): Promise<boolean> {
  try {
    const { hardware } = await session.request({ type: "descRequest" }, "descReply");
    return hardware === "Open vSwitch";
  } catch (error) {
    if (!isOfsyncError(error, "REQUEST_REFUSED")) throw error;
    return false;
  }
}

async function claimRole(session: OpenFlowSession, role: ConnectionRole): Promise<void> {
  const generationId = session.settings.generationId() ?? 0n;
  const wanted = WIRE_ROLES[role];
  try {
    const reply = await session.request({ type: "roleRequest", role: wanted, generationId }, "roleReply");
    if (reply.role === wanted) return;
    throw new OfsyncError("ROLE_REFUSED", `the switch gave the role ${reply.role} where ${wanted} was asked for`);
  } catch (error) {
    if (!isOfsyncError(error, "REQUEST_REFUSED")) throw error;
    if (error.openflowError === "OFPRRFC_STALE") {
      throw new OfsyncError(
        "ROLE_STALE",
        `the switch refused the role ${role}: generation ${generationId} is older than one it has seen`,
        {
          openflowError: "OFPRRFC_STALE",
          hint: "another controller has taken over; ask with its generation id or a later one",
          cause: error,
        },
      );
    }
    throw new OfsyncError("ROLE_REFUSED", `the switch refused the role ${role}: ${error.openflowError}`, {
      cause: error,
      ...(error.openflowError === undefined ? {} : { openflowError: error.openflowError }),
    });
  }
}

/** A bit per reason: every flow that goes (up to OpenFlow 1.5's meter deletion), every change of our role, and nothing else. */
const WANTED: AsyncMasks = { packetIn: 0, portStatus: 0, flowRemoved: 0x3f, roleStatus: 7, tableStatus: 0, requestForward: 0 };

async function chooseMessages(session: OpenFlowSession): Promise<void> {
  // Nobody answers for set-async: a switch that does not know it says so in an error about nothing, and sends more than it need.
  session.send({ type: "setAsync", master: WANTED, slave: WANTED });
  // Open vSwitch sends no asynchronous message at all over a management socket until a length for packets is set.
  const config = await session.request({ type: "getConfigRequest" }, "getConfigReply");
  if (config.missSendLength === 0) session.send({ type: "setConfig", flags: config.flags, missSendLength: 128 });
}
