import { createFlowModView, type FlowModView } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import type { ReadBack, ReadBackChange } from "../table/installed-table.ts";
import type { InstalledFlowChunk } from "../transport/transport.ts";
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

/** Fixed part of a flow description with its statistics, bytes (OpenFlow 1.5.1 §7.3.5.3; duration, idle time, two counters). */
const FLOW_DESCRIPTION_BYTES = 80;
const SLICE_MS = 12;
/** Keys that become knowledge between two looks at the clock: a fraction of a millisecond. */
const KEYS_AT_ONCE = 4096;

/**
 * One read of the whole switch. What was read becomes knowledge when it is complete; before that nothing changes. Flow-mods and events may go on meanwhile: what they say of a key is newer than what was read and stays.
 */
export class SwitchRead {
  readonly #knowledge: SwitchKnowledge;
  readonly #purpose: ReadPurpose;
  readonly #epoch: number;
  readonly #isCurrent: () => boolean;
  readonly #view: FlowModView = createFlowModView();
  readonly #adoptable: Flow[] = [];
  #flows = 0;
  #foreign = 0;
  #bytes = 0;

  constructor(knowledge: SwitchKnowledge, purpose: ReadPurpose, epoch: number, isCurrent: () => boolean) {
    this.#knowledge = knowledge;
    this.#purpose = purpose;
    this.#epoch = epoch;
    this.#isCurrent = isCurrent;
  }

  /**
   * Reads to the end and takes the result over; `onSurprise` hears of every key that turns out to be other than was known. Throws
   * when the read is not complete or no longer of use; then nothing has changed.
   */
  async run(onSurprise: (surprise: ReadBackChange) => void): Promise<ReadBackResult> {
    const { settings, installed, foreign } = this.#knowledge;
    const { clock, transport } = settings;
    const begun = clock.now();
    const own = installed.beginReadBack();
    const foreignRead = foreign?.beginReadBack();
    try {
      let sliceStart = begun;
      for await (const chunk of transport.readFlows()) {
        this.#check();
        this.#take(chunk, own, foreignRead);
        if (clock.now() - sliceStart > SLICE_MS) {
          await pause(clock, 0);
          sliceStart = clock.now();
        }
      }
      this.#check();
      if (foreignRead !== undefined) await this.#takeOver(foreignRead);
      await this.#takeOver(own, onSurprise);
    } catch (error) {
      own.abort();
      foreignRead?.abort();
      throw error;
    }
    this.#knowledge.adopt(this.#adoptable, "readBack");
    const milliseconds = clock.now() - begun;
    return {
      purpose: this.#purpose,
      epoch: this.#epoch,
      flows: this.#flows,
      foreign: this.#foreign,
      bytes: this.#bytes,
      milliseconds,
    };
  }

  /** Makes what was read knowledge, without holding the event loop for long. */
  async #takeOver(read: ReadBack, onSurprise?: (surprise: ReadBackChange) => void): Promise<void> {
    const { clock } = this.#knowledge.settings;
    let sliceStart = clock.now();
    while (!read.commitSome(KEYS_AT_ONCE, onSurprise)) {
      if (clock.now() - sliceStart <= SLICE_MS) continue;
      await pause(clock, 0);
      this.#check();
      sliceStart = clock.now();
    }
  }

  #check(): void {
    if (!this.#isCurrent()) throw new OfsyncError("TRANSPORT_DOWN", "the connection went down during the read-back");
  }

  #take(chunk: InstalledFlowChunk, own: ReadBack, foreign: ReadBack | undefined): void {
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
      if (asksForEach) {
        const { flow } = chunk.at(i);
        if (this.#knowledge.isStrange(flow)) {
          this.#foreign++;
          if (settings.foreign === "keep") continue;
          this.#adoptable.push(flow);
        }
      }
      own.observe(view);
      if (view.idleTimeout !== 0 || view.hardTimeout !== 0) expiry.seen(chunk.at(i).flow);
    }
  }
}
