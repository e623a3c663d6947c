import { createFlowModView, type FlowModView } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { Flow, FlowKey } from "../flow/flow.ts";
import type { InstalledFlowTable, InstalledState, ReadBackChange } from "../table/installed-flow-table.ts";
import type { InstalledFlowChunk } from "../transport/transport.ts";
import { keyText, keyTextOfView } from "./key-text.ts";
import type { SwitchKnowledge } from "./switch-knowledge.ts";
import { pause } from "./wakeup.ts";

/**
 * Why the switch is read. `connect`: a new connection, nothing is known. `doubt`: flow-mods ended with an unknown fate, or a
 * monitor lost events. `audit`: to look for drift.
 */
export type ReadPurpose = "connect" | "doubt" | "audit";

/** What a complete read-back brought. */
export interface ReadBackResult {
  readonly purpose: ReadPurpose;
  readonly epoch: number;
  /** Flows that the switch reported. */
  readonly flows: number;
  /** Of those, foreign ones. */
  readonly foreign: number;
  /** Size of the flows as OpenFlow 1.5 flow descriptions, with the counters that Open vSwitch reports. */
  readonly bytes: number;
  readonly milliseconds: number;
}

/** What a read-back changed in our knowledge of flows that were believed to be known. */
export type Surprise = ReadBackChange;

/** Fixed part of a flow description with its statistics, bytes (OpenFlow 1.5.1 §7.3.5.3; duration, idle time, two counters). */
const FLOW_DESCRIPTION_BYTES = 80;
const SLICE_MS = 12;

/**
 * One read of the whole switch. What was read becomes knowledge at {@link commit}, all at once; before that, nothing changes.
 *
 * Flow-mods and events may go on meanwhile: keys that they touch ({@link touch}) keep what they say, because whether the read
 * saw the switch before or after them is not known.
 */
export class SwitchRead {
  readonly purpose: ReadPurpose;
  readonly #knowledge: SwitchKnowledge;
  readonly #epoch: number;
  readonly #begun: number;
  readonly #isCurrent: () => boolean;
  readonly #touched = new Map<string, FlowKey>();
  readonly #view: FlowModView = createFlowModView();
  readonly #foreignFlows: Flow[] = [];
  #flows = 0;
  #foreign = 0;
  #bytes = 0;

  constructor(knowledge: SwitchKnowledge, purpose: ReadPurpose, epoch: number, isCurrent: () => boolean) {
    this.#knowledge = knowledge;
    this.purpose = purpose;
    this.#epoch = epoch;
    this.#isCurrent = isCurrent;
    this.#begun = knowledge.settings.clock.now();
  }

  /** What the read says of this key does not count. */
  touch(key: FlowKey): void {
    this.#touched.set(keyText(key), key);
  }

  /**
   * Reads to the end and takes the result over. Throws when the read is not complete or no longer of use; then nothing has
   * changed. The returned surprises are empty for keys whose state was unknown before.
   */
  async run(onSurprise: (surprise: Surprise) => void): Promise<ReadBackResult> {
    const { settings, installed, foreign } = this.#knowledge;
    const readBack = installed.beginReadBack();
    const foreignReadBack = foreign?.beginReadBack();
    try {
      let sliceStart = settings.clock.now();
      for await (const chunk of settings.transport.readFlows()) {
        if (!this.#isCurrent()) throw new OfsyncError("TRANSPORT_DOWN", "the connection went down during the read-back");
        this.#take(chunk, readBack, foreignReadBack);
        if (settings.clock.now() - sliceStart > SLICE_MS) {
          await pause(settings.clock, 0);
          sliceStart = settings.clock.now();
        }
      }
      if (!this.#isCurrent()) throw new OfsyncError("TRANSPORT_DOWN", "the connection went down during the read-back");
    } catch (error) {
      readBack.abort();
      foreignReadBack?.abort();
      throw error;
    }
    this.#commit(readBack, foreignReadBack, onSurprise);
    return {
      purpose: this.purpose,
      epoch: this.#epoch,
      flows: this.#flows,
      foreign: this.#foreign,
      bytes: this.#bytes,
      milliseconds: settings.clock.now() - this.#begun,
    };
  }

  #take(chunk: InstalledFlowChunk, own: Observer, foreign: Observer | undefined): void {
    const { settings, expiry } = this.#knowledge;
    const view = this.#view;
    const asksForEach = settings.ownership === undefined && settings.foreign !== "remove";
    for (let i = 0; i < chunk.length; i++) {
      chunk.read(i, view);
      this.#flows++;
      this.#bytes += FLOW_DESCRIPTION_BYTES + view.matchLength + view.instructionsLength;
      if (settings.ownership !== undefined && !settings.ownership.owns(view)) {
        this.#foreign++;
        foreign?.observe(view);
        continue;
      }
      if (asksForEach && !this.#touched.has(keyTextOfView(view))) {
        const { flow } = chunk.at(i);
        if (this.#knowledge.isStrange(flow)) {
          this.#foreign++;
          if (settings.foreign === "adopt") this.#foreignFlows.push(flow);
          else continue;
        }
      }
      own.observe(view);
      if (view.idleTimeout !== 0 || view.hardTimeout !== 0) expiry.seen(chunk.at(i).flow);
    }
  }

  #commit(own: Committer, foreign: Committer | undefined, onSurprise: (surprise: Surprise) => void): void {
    const { installed, foreign: foreignTable } = this.#knowledge;
    const before = [...this.#touched.values()].map((key) => ({ key, own: installed.state(key), foreign: foreignTable?.state(key) }));
    own.commit((change) => {
      if (!this.#touched.has(keyText(change.key))) onSurprise(change);
    });
    foreign?.commit();
    for (const { key, own: ownState, foreign: foreignState } of before) {
      restore(installed, key, ownState);
      if (foreignTable !== undefined && foreignState !== undefined) restore(foreignTable, key, foreignState);
    }
    this.#knowledge.adopt(this.#foreignFlows, "readBack");
  }
}

interface Observer {
  observe(view: FlowModView): void;
}

interface Committer {
  commit(onChange?: (change: ReadBackChange) => void): void;
}

function restore(table: InstalledFlowTable, key: FlowKey, state: InstalledState): void {
  switch (state.state) {
    case "present":
      table.set(state.flow);
      return;
    case "absent":
      table.setAbsent(key);
      return;
    case "unknown":
      table.setUnknown(key);
      return;
    default: {
      const never: never = state;
      throw new TypeError(`no such state: ${JSON.stringify(never)}`);
    }
  }
}
