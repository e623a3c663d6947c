import { parseArgs } from "node:util";
import { version } from "../../package.json";
import { isOfsyncError } from "../index.ts";
import { Arguments, type Command, CommandFailure, UsageError } from "./command.ts";
import { describeError } from "./error-text.ts";
import { commandHelp, overview } from "./help.ts";
import type { Terminal } from "./terminal.ts";

/** A command and how to get it: loaded only when it is called, which keeps the start short. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Command>;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    name: "diff",
    summary: "show how two flow tables differ, or the flow-mods between them",
    load: async () => (await import("./commands/diff.ts")).diff,
  },
  {
    name: "fmt",
    summary: "write flows in their canonical text",
    load: async () => (await import("./commands/fmt.ts")).fmt,
  },
  {
    name: "check",
    summary: "find errors, duplicates, conflicts and flows that can never match",
    load: async () => (await import("./commands/check.ts")).check,
  },
  {
    name: "explain",
    summary: "say who wants what for a flow, who wins and why",
    load: async () => (await import("./commands/explain.ts")).explain,
  },
  {
    name: "apply",
    summary: "bring a switch in step with a file, and keep it there",
    load: async () => (await import("./commands/apply.ts")).apply,
  },
  {
    name: "dump",
    summary: "print the flows of a switch",
    load: async () => (await import("./commands/dump.ts")).dump,
  },
  {
    name: "watch",
    summary: "print the changes of a switch as they happen",
    load: async () => (await import("./commands/watch.ts")).watch,
  },
  {
    name: "decode",
    summary: "print OpenFlow messages as text",
    load: async () => (await import("./commands/decode.ts")).decode,
  },
  {
    name: "encode",
    summary: "write flows as OpenFlow messages",
    load: async () => (await import("./commands/encode.ts")).encode,
  },
];

/** Does what the command line says; gives the exit status. Bad input is told on standard error, never thrown. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
    terminal.write(overview(COMMANDS, terminal));
    return name === undefined ? 1 : 0;
  }
  if (name === "--version" || name === "-V") {
    terminal.line(`ofsync ${version}`);
    return 0;
  }
  const wanted = name === "help" ? (rest[0] as string) : name;
  const entry = COMMANDS.find((candidate) => candidate.name === wanted);
  if (entry === undefined) {
    const kind = wanted.startsWith("-") ? "option" : "command";
    terminal.note(`ofsync: there is no ${kind} "${wanted}"; "ofsync --help" lists the commands`);
    return 1;
  }
  const command = await entry.load();
  if (name === "help") {
    terminal.write(commandHelp(entry.name, command, terminal));
    return 0;
  }
  try {
    const input = readArguments(command, rest);
    if (input.has("help")) {
      terminal.write(commandHelp(entry.name, command, terminal));
      return 0;
    }
    return await command.run(input, terminal);
  } catch (error) {
    return tell(error, entry.name, terminal);
  }
}

function readArguments(command: Command, argv: readonly string[]): Arguments {
  const options: Record<string, { type: "boolean" | "string"; short?: string }> = { help: { type: "boolean", short: "h" } };
  for (const [name, spec] of Object.entries(command.options)) {
    options[name] = spec.short === undefined ? { type: spec.type } : { type: spec.type, short: spec.short };
  }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    return new Arguments(values, positionals);
  } catch (error) {
    // parseArgs explains itself in its first sentence; the rest speaks of `--`.
    if (error instanceof TypeError) throw new UsageError((error.message.split(". ")[0] as string).replace(/\.$/, ""));
    throw error;
  }
}

function tell(error: unknown, name: string, terminal: Terminal): number {
  terminal.redraw("");
  if (error instanceof UsageError) {
    terminal.note(`ofsync ${name}: ${error.message}; "ofsync ${name} --help" explains`);
    return 1;
  }
  if (error instanceof CommandFailure) terminal.note(`ofsync ${name}: ${error.message}`);
  else if (isOfsyncError(error)) terminal.note(describeError(error, terminal, { prefix: `ofsync ${name}: ` }));
  else if (isSystemError(error)) terminal.note(`ofsync ${name}: ${error.message}`);
  else throw error;
  if ((process.env.OFSYNC_DEBUG ?? "") !== "" && error instanceof Error) terminal.note(error.stack ?? "");
  return 1;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && "syscall" in error;
}
