import { readFileSync } from "node:fs";
import type { OfsyncError, Transport } from "../index.ts";
import {
  connectSwitch,
  formatDatapathId,
  listenForSwitches,
  type OpenFlowTransport,
  type OpenFlowTransportOptions,
} from "../openflow.ts";
import { type Arguments, CommandFailure, UsageError } from "./command.ts";
import { versionOf } from "./flow-lines.ts";
import type { Terminal } from "./terminal.ts";

/** A connection to a switch, up when it is handed out. */
export interface OpenSwitch {
  readonly transport: OpenFlowTransport;
  /** Version, datapath id and address, for messages. */
  readonly description: string;
  close(): Promise<void>;
}

/**
 * Connects to a switch, or waits for one to call in. Fails when that does not succeed within `--timeout`; dialling also fails at
 * the first refusal, unless `patient`.
 */
export async function openSwitch(address: string, input: Arguments, terminal: Terminal, patient = false): Promise<OpenSwitch> {
  const options = transportOptions(input);
  const timeoutMs = 1000 * (input.number("timeout", 1, 86_400) ?? 10);
  if (/^p(unix|tcp|ssl):/.test(address)) return await awaitCaller(address, options, timeoutMs, terminal);
  const transport = connectSwitch(address, options);
  transport.open();
  try {
    await untilUp(transport, address, timeoutMs, patient);
  } catch (error) {
    await transport.close();
    throw error;
  }
  return { transport, description: describe(transport, address), close: () => transport.close() };
}

async function awaitCaller(
  address: string,
  options: OpenFlowTransportOptions,
  timeoutMs: number,
  terminal: Terminal,
): Promise<OpenSwitch> {
  const listener = await listenForSwitches(address, options);
  listener.subscribeFailures((error, remote) =>
    terminal.note(`a caller${remote === "" ? "" : ` from ${remote}`} was turned away: ${error.message}`),
  );
  terminal.note(`waiting for a switch at ${listener.address}`);
  let timer: NodeJS.Timeout | undefined;
  try {
    const transport = await new Promise<OpenFlowTransport>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new CommandFailure(`no switch called at ${listener.address} within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      listener.subscribe((arrival) => resolve(arrival.transport));
    });
    await untilUp(transport, address, timeoutMs, true);
    return { transport, description: describe(transport, listener.address), close: () => listener.close() };
  } catch (error) {
    await listener.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function untilUp(transport: OpenFlowTransport, address: string, timeoutMs: number, patient: boolean): Promise<void> {
  if (transport.isUp) return Promise.resolve();
  return new Promise((resolve, reject) => {
    let last: OfsyncError | undefined;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      unsubscribe();
      settle();
    };
    const timer = setTimeout(() => {
      end(() => reject(last ?? new CommandFailure(`no connection to ${address} within ${timeoutMs / 1000} s`)));
    }, timeoutMs);
    const unsubscribe = transport.subscribeState((state) => {
      if (state.phase === "up") end(resolve);
      if (state.phase !== "waiting") return;
      last = state.error;
      if (!patient) end(() => reject(state.error));
    });
  });
}

function describe(transport: OpenFlowTransport, address: string): string {
  const { state } = transport;
  return state.phase === "up" ? `${address} (datapath ${formatDatapathId(state.datapathId)}, ${state.version})` : address;
}

function transportOptions(input: Arguments): OpenFlowTransportOptions {
  const version = versionOf(input);
  const [key, cert, ca] = [input.text("private-key"), input.text("certificate"), input.text("ca-cert")];
  const given = [key, cert, ca].filter((name) => name !== undefined);
  if (given.length !== 0 && given.length !== 3) throw new UsageError("--private-key, --certificate and --ca-cert go together");
  return {
    ...(version === undefined ? {} : { versions: [version] }),
    ...(key === undefined || cert === undefined || ca === undefined
      ? {}
      : { tls: { key: readFileSync(key), cert: readFileSync(cert), ca: readFileSync(ca) } }),
  };
}

/** Resolves with the reason when a connection that is up goes down. */
export function untilDown(transport: Transport): Promise<string> {
  return new Promise((resolve) => {
    transport.subscribe((event) => {
      if (event.type === "down") resolve(event.reason);
    });
  });
}

/** Calls `stop` once, at the first Ctrl-C (or SIGTERM); a second one ends the process at once. */
export function onInterrupt(stop: () => void): () => void {
  const handler = (): void => {
    remove();
    stop();
  };
  const remove = (): void => {
    process.off("SIGINT", handler);
    process.off("SIGTERM", handler);
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return remove;
}
