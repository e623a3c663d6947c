import { statSync } from "node:fs";
import {
  type DesiredFlowTable,
  diffTables,
  type Flow,
  formatFlowMod,
  isOfsyncError,
  type OwnerId,
  type OwnershipOptions,
  ownerFor,
  type RefusedFlow,
  type SettledReport,
  Synchroniser,
  type SyncStatus,
  DesiredFlowTable as Table,
} from "../../index.ts";
import { type Arguments, type Command, CommandFailure, UsageError } from "../command.ts";
import { describeError } from "../error-text.ts";
import { COMPAT_STRICT, DEFAULT_VERSION, eachGoodFlow, type Reading, readingOf } from "../flow-lines.ts";
import { keyOf } from "../flow-set.ts";
import { keyText } from "../flow-text.ts";
import { intoDesired, readPacked } from "../packed-flows.ts";
import { Progress } from "../progress.ts";
import { type OpenSwitch, onInterrupt, openSwitch } from "../switch.ts";
import { SWITCH_OPTIONS, VERSION_OPTION } from "../switch-options.ts";
import type { Terminal } from "../terminal.ts";

const DIFFERENT = 2;
const INTERRUPTED = 130;
const SHOWN_REFUSALS = 20;
/** How often `--watch` looks whether the file is another one. */
const LOOK_MS = 500;
const GONE = "";

/** `ofsync apply`: bring a switch in step with a file. */
export const apply: Command = {
  usage: "apply [OPTIONS] SWITCH FILE",
  help: `
Makes the flows of a switch equal to those of a file: reads the switch, compares, sends only the difference, waits until
the switch has confirmed it. Flows that are right already are not touched, their counters go on. SWITCH is unix:/path,
tcp:host[:port], ssl:host[:port], the name of a local Open vSwitch bridge, or ptcp:[port] / pssl:[port] to wait for a
switch that calls in.

$ ofsync apply --dry-run br0 desired.txt
$ ofsync apply br0 desired.txt
$ ofsync apply --owner-cookie 0xca0000/0xff0000 br0 desired.txt
$ ofsync apply --watch tcp:192.0.2.1:6653 desired.txt

Without --owner-cookie the whole switch is yours: flows that are not in the file are removed. With it, only flows whose
cookie has that value under that mask are; everything else in the switch is left alone.

--watch goes on: it follows changes of the file, and undoes what others change at the switch, until Ctrl-C.

Exit status: 0 the switch is in step, 1 something went wrong or the switch refused flows, with --dry-run 2 when there is
something to send, 130 after Ctrl-C before it was done. Ctrl-C waits for what is already sent: every flow is either as
it was or as it should be.`,
  options: {
    openflow: VERSION_OPTION,
    ...SWITCH_OPTIONS,
    compat: COMPAT_STRICT,
    "dry-run": { type: "boolean", short: "n", help: "print the flow-mods that would be sent, and send none" },
    bundle: { type: "boolean", help: "insist on bundles: fail where the switch has none" },
    "no-bundle": { type: "boolean", help: "use no bundles (default: where the switch has them)" },
    "owner-cookie": {
      type: "string",
      value: "COOKIE[/MASK]",
      help: "only flows with this cookie are ours (default mask: all bits)",
    },
    watch: { type: "boolean", short: "w", help: "keep the switch in step with the file until stopped" },
  },
  async run(input, terminal) {
    const [address, file, ...more] = input.operands;
    if (address === undefined || file === undefined || more.length > 0) throw new UsageError("needs a SWITCH and a FILE");
    if (input.has("watch") && (file === "-" || input.has("dry-run"))) {
      throw new UsageError("--watch needs a file to follow, and goes not with --dry-run");
    }
    const reading: Reading = { ...readingOf(input), version: DEFAULT_VERSION };
    const ownership = ownershipOf(input);
    const table = new Table();
    const owner = ownerFor("ofsync apply");
    // Before it is read: what is written from now on is seen as a change.
    const seen = input.has("watch") ? identityOf(file) : GONE;
    // The file first: a file with a fault never gets as far as the switch.
    await readPacked(file, reading, terminal, intoDesired(table, owner));
    const target = await openSwitch(address, input, terminal, input.has("watch"));
    try {
      if (input.choice("bundle") === true && !target.transport.capabilities.atomic) {
        throw new CommandFailure(`${target.description} has no bundles`);
      }
      if (input.has("dry-run")) return await dryRun(table, target, ownership, terminal);
      return await new Application({ table, owner, file, seen, reading, ownership, target, input, terminal }).run();
    } finally {
      await target.close();
    }
  },
};

function ownershipOf(input: Arguments): OwnershipOptions | undefined {
  const text = input.text("owner-cookie");
  if (text === undefined) return undefined;
  const parts = /^(0x[0-9a-f]{1,16}|\d{1,20})(?:\/(0x[0-9a-f]{1,16}|\d{1,20}|-1))?$/i.exec(text);
  if (parts === null)
    throw new UsageError(`--owner-cookie is "${text}", but must be COOKIE or COOKIE/MASK, such as 0xca0000/0xff0000`);
  const mask = parts[2] === undefined || parts[2] === "-1" ? 0xffff_ffff_ffff_ffffn : BigInt(parts[2]);
  return { cookie: BigInt(parts[1] as string), mask };
}

async function dryRun(
  table: DesiredFlowTable,
  { transport, description }: OpenSwitch,
  ownership: OwnershipOptions | undefined,
  terminal: Terminal,
): Promise<number> {
  const filter = ownership === undefined ? {} : { cookie: ownership.cookie, cookieMask: ownership.mask };
  for await (const chunk of transport.readFlows(filter)) for (const { flow } of chunk) table.installed.set(flow);
  const version = transport.state.phase === "up" ? transport.state.version : DEFAULT_VERSION;
  const mods = diffTables(table, table.installed);
  for (const mod of mods) {
    terminal.line(formatFlowMod(mod, { version }));
    await terminal.drained();
  }
  const { add, modify, delete: removed } = mods.counts;
  terminal.note(`${description}: would send ${add} add, ${modify} modify, ${removed} delete`);
  return mods.length === 0 ? 0 : DIFFERENT;
}

interface ApplicationParts {
  readonly table: DesiredFlowTable;
  readonly owner: OwnerId;
  readonly file: string;
  /** {@link identityOf} the file when it was read. */
  readonly seen: string;
  readonly reading: Reading;
  readonly ownership: OwnershipOptions | undefined;
  readonly target: OpenSwitch;
  readonly input: Arguments;
  readonly terminal: Terminal;
}

/** One run of `apply`: a synchroniser and somebody who watches it. */
class Application {
  readonly #parts: ApplicationParts;
  readonly #sync: Synchroniser;
  readonly #begun: number = performance.now();
  #interrupted = false;
  /** Ends the pause of {@link #watch}. */
  #wake: () => void = () => {};

  constructor(parts: ApplicationParts) {
    const { table, ownership, target, input } = parts;
    this.#parts = parts;
    this.#sync = new Synchroniser({
      table,
      transport: target.transport,
      name: target.description,
      closeTransport: false,
      batch: { atomic: input.choice("bundle") === false ? "never" : "whenPossible" },
      stopTimeoutMs: 10_000,
      ...(ownership === undefined ? {} : { ownership }),
    });
  }

  async run(): Promise<number> {
    const { input, terminal, target } = this.#parts;
    const stopListening = onInterrupt(() => {
      this.#interrupted = true;
      this.#wake();
      void this.#sync.stop();
    });
    try {
      this.#sync.start();
      const report = await this.#firstRound();
      terminal.line(summaryLine(target.description, this.#sync.status(), report, performance.now() - this.#begun));
      terminal.flush();
      tellRefused(report.refused, terminal);
      if (input.has("watch")) return await this.#watch();
      return report.refused.length === 0 ? 0 : 1;
    } catch (error) {
      if (!this.#interrupted) throw error;
      // What is already sent is still carried out and answered.
      await this.#sync.stop();
      terminal.note("stopped before the switch was in step: some flows are as they were, all others as they should be");
      return INTERRUPTED;
    } finally {
      stopListening();
      await this.#sync.stop();
    }
  }

  /** Waits for the switch to have everything; without `--watch` a lost connection ends it. */
  async #firstRound(): Promise<SettledReport> {
    const { input, terminal, table } = this.#parts;
    let total: number | undefined;
    const progress = new Progress(terminal, "applying", "flow-mods", undefined);
    const unsubscribe = this.#sync.subscribe((event) => {
      if (event.type === "readBack") total = diffTables(table, table.installed).length;
      if (event.type === "disconnected" && !input.has("watch"))
        lost.abort(new CommandFailure(`the connection was lost: ${event.reason}`));
    });
    const lost = new AbortController();
    const timer = setInterval(() => {
      const done = this.#sync.status().counters.applied;
      progress.update(done, total === undefined || total === 0 ? undefined : done / total);
    }, 100);
    try {
      return await this.#sync.settled(undefined, { signal: lost.signal });
    } finally {
      clearInterval(timer);
      unsubscribe();
      progress.end();
    }
  }

  /** Follows the file and tells what happens, until interrupted. */
  async #watch(): Promise<number> {
    const { file, terminal, target } = this.#parts;
    terminal.note(`keeping ${target.description} in step with ${file}; Ctrl-C ends`);
    const unsubscribe = this.#sync.subscribe((event) => {
      if (event.type === "drift") {
        terminal.note(`drift: ${event.kind} ${keyText(event.flow)}: ${event.action}`);
      } else if (event.type === "disconnected") terminal.note(`disconnected: ${event.reason}`);
      else if (event.type === "connected") terminal.note("connected");
      else if (event.type === "refused") tellRefused([event.refused], terminal);
      else if (event.type === "expired") terminal.note(`expired: ${keyText(event.flow)}: ${event.action}`);
    });
    let { seen } = this.#parts;
    while (!this.#interrupted) {
      const now = identityOf(file);
      if (now === seen) await this.#pause();
      else {
        // Noted before it is read: what is written meanwhile is a change of its own.
        seen = now;
        await this.#reload(now === GONE);
      }
    }
    unsubscribe();
    return 0;
  }

  /** Until it is time to look at the file again, or Ctrl-C. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Takes over a changed file: all of it, or nothing when a line is bad. */
  async #reload(gone: boolean): Promise<void> {
    const { file, terminal, table, owner, reading, target } = this.#parts;
    if (gone) {
      terminal.note(`${file} is gone; its last content stays in force`);
      return;
    }
    try {
      const flows = new Map<string, Flow>();
      await eachGoodFlow(file, reading, terminal, (flow) => void flows.set(keyOf(flow), flow));
      const before = this.#sync.status().counters;
      table.setFlows(owner, [...flows.values()]);
      await this.#sync.settled();
      const { counters } = this.#sync.status();
      terminal.note(`${file} changed: ${counters.applied - before.applied} flow-mods confirmed by ${target.description}`);
    } catch (error) {
      if (error instanceof CommandFailure) terminal.note(`${error.message}\n${file} is not taken over`);
      else if (isOfsyncError(error)) {
        if (!this.#interrupted) terminal.note(describeError(error, terminal, { file }));
      } else throw error;
    }
  }
}

/** What tells a file from itself after a change, to the nanosecond; {@link GONE} without a file. */
function identityOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? GONE : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
}

function summaryLine(description: string, status: SyncStatus, report: SettledReport, milliseconds: number): string {
  const { adds, modifies, deletes, bytesSent } = status.counters;
  const sent = adds + modifies + deletes;
  const what = sent === 0 ? "nothing to do" : `sent ${adds} add, ${modifies} modify, ${deletes} delete (${bytesSent} bytes)`;
  const refused = report.refused.length === 0 ? "in step" : `${report.refused.length} refused`;
  return `${description}: ${what}; ${refused} after ${(milliseconds / 1000).toFixed(2)} s`;
}

function tellRefused(refused: readonly RefusedFlow[], terminal: Terminal): void {
  for (const { command, flow, error } of refused.slice(0, SHOWN_REFUSALS)) {
    const name = isOfsyncError(error) ? error.code : error.name;
    terminal.note(`${terminal.paintNote("red", "refused:")} ${command} ${keyText(flow)}: ${name}`);
  }
  if (refused.length > SHOWN_REFUSALS) terminal.note(`… and ${refused.length - SHOWN_REFUSALS} more`);
}
