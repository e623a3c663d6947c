import type { Flow } from "../flow/flow.ts";
import type { FlowList } from "./flow-list.ts";
import { formatOwner, type OwnerId } from "./owner-id.ts";

/** The contents of a desired table at one revision. Immutable. Iterates like the table did. */
export class DesiredSnapshot implements Iterable<readonly [OwnerId, Flow]> {
  readonly revision: number;
  readonly #owners: Int32Array;
  readonly #flows: FlowList;

  /** Of the room: takes both over. */
  constructor(revision: number, owners: Int32Array, flows: FlowList) {
    this.revision = revision;
    this.#owners = owners;
    this.#flows = flows;
  }

  /** Pairs of owner and flow. */
  get size(): number {
    return this.#flows.length;
  }

  /** What `replaceAll` takes. */
  entries(): IterableIterator<readonly [OwnerId, Flow]> {
    return this[Symbol.iterator]();
  }

  *[Symbol.iterator](): IterableIterator<readonly [OwnerId, Flow]> {
    for (let i = 0; i < this.#flows.length; i++) yield [formatOwner(this.#owners, 4 * i), this.#flows.at(i)];
  }
}
