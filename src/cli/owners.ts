import { type Flow, type OwnerId, ownerFor } from "../index.ts";
import { type Arguments, type OptionSpec, UsageError } from "./command.ts";

const RULES = ["file", "cookie", "comment"] as const;

/** How to tell whose flow it is, since flow text does not say. */
export type OwnerRule = (typeof RULES)[number];

export const OWNER_OPTION: OptionSpec = {
  type: "string",
  value: "RULE",
  help: 'whose flow is it? "file" (default): each file is an owner;\n"cookie": each cookie is; "comment": the last line\n"# owner: NAME" before the flow says',
};

export function ownerRuleOf(input: Arguments): OwnerRule {
  const text = input.text("owner") ?? "file";
  const rule = RULES.find((name) => name === text);
  if (rule === undefined) throw new UsageError(`--owner is "${text}", but must be "file", "cookie" or "comment"`);
  return rule;
}

const OWNER_COMMENT = /^\s*#\s*owner:\s*(\S.*?)\s*$/i;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Names the owners of the flows of some files. A name that is a UUID is taken as it is, others get a UUID of their own. */
export class Owners {
  readonly #rule: OwnerRule;
  readonly #names = new Map<OwnerId, string>();
  readonly #ids = new Map<string, OwnerId>();
  #comment: string | undefined;

  constructor(rule: OwnerRule) {
    this.#rule = rule;
  }

  /** A new file begins. */
  startFile(): void {
    this.#comment = undefined;
  }

  /** Tells about a line that is no flow. */
  comment(text: string): void {
    const found = OWNER_COMMENT.exec(text);
    if (found !== null) this.#comment = found[1];
  }

  ownerOf(flow: Flow, file: string): OwnerId {
    const name =
      this.#rule === "cookie" ? `cookie 0x${flow.cookie.toString(16)}` : this.#rule === "file" ? file : (this.#comment ?? file);
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = UUID.test(name) ? name.toLowerCase() : ownerFor(name);
      this.#ids.set(name, id);
      this.#names.set(id, name);
    }
    return id;
  }

  /** The name that an owner was given by, or its UUID. */
  nameOf(id: OwnerId): string {
    return this.#names.get(id) ?? id;
  }
}
