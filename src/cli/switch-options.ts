import type { OptionSpec } from "./command.ts";

/** Options of every command that talks to a switch; the TLS ones are called as in ovs-ofctl. */
export const SWITCH_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  timeout: { type: "string", short: "T", value: "SECONDS", help: "how long to wait for the switch (default 10)" },
  "private-key": { type: "string", short: "p", value: "FILE", help: "our private key, for ssl: and pssl:" },
  certificate: { type: "string", short: "c", value: "FILE", help: "our certificate, for ssl: and pssl:" },
  "ca-cert": { type: "string", short: "C", value: "FILE", help: "the authority that signed the switch's certificate" },
};

/** `-O` of a command that only talks to a switch. */
export const VERSION_OPTION: OptionSpec = {
  type: "string",
  short: "O",
  value: "VERSION",
  help: "speak this version only: OpenFlow13, OpenFlow14 or OpenFlow15\n(default: the highest that the switch speaks)",
};
