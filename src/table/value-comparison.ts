import { equalBytes } from "../bytes.ts";
import { instructionsMeaning } from "../flow/meaning.ts";
import { FLOW_COOKIE, FLOW_DATA } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";

const MOMENTARY_FLAGS = 6;

/** Compares values of two stores by the rule by which values of one store are compared. Pairs are remembered. */
export class ValueComparison {
  readonly #a: PackedStore;
  readonly #b: PackedStore;
  #scratchA: Int32Array = new Int32Array(64);
  #scratchB: Int32Array = new Int32Array(64);
  /** Meanings by value of each store, for values that had to be asked for. */
  readonly #meaningsA: Map<number, Uint8Array> = new Map();
  readonly #meaningsB: Map<number, Uint8Array> = new Map();

  constructor(a: PackedStore, b: PackedStore) {
    this.#a = a;
    this.#b = b;
  }

  sameAttributes(a: number, b: number): boolean {
    this.#load(a, b);
    const wordsA = this.#scratchA;
    const wordsB = this.#scratchB;
    for (let i = FLOW_COOKIE; i < FLOW_DATA - 1; i++) if (wordsA[i] !== wordsB[i]) return false;
    return (((wordsA[FLOW_DATA - 1] as number) ^ (wordsB[FLOW_DATA - 1] as number)) & ~MOMENTARY_FLAGS) === 0;
  }

  /** After {@link sameAttributes} of the same pair. */
  sameInstructions(a: number, b: number): boolean {
    const length = this.#a.values.instructionsLength(a);
    if (length === this.#b.values.instructionsLength(b)) {
      const end = FLOW_DATA + ((length + 3) >>> 2);
      let i = FLOW_DATA;
      while (i < end && this.#scratchA[i] === this.#scratchB[i]) i++;
      if (i === end) return true;
    }
    return equalBytes(meaningIn(this.#a, this.#meaningsA, a), meaningIn(this.#b, this.#meaningsB, b));
  }

  #load(a: number, b: number): void {
    this.#scratchA = loaded(this.#a, a, this.#scratchA);
    this.#scratchB = loaded(this.#b, b, this.#scratchB);
  }
}

function loaded(store: PackedStore, value: number, scratch: Int32Array): Int32Array {
  const need = FLOW_DATA + ((store.values.instructionsLength(value) + 3) >>> 2);
  const into = need > scratch.length ? new Int32Array(2 * need) : scratch;
  store.values.writeTo(value, into, 0, FLOW_DATA);
  return into;
}

function meaningIn(store: PackedStore, known: Map<number, Uint8Array>, value: number): Uint8Array {
  let meaning = known.get(value);
  if (meaning === undefined) {
    meaning = instructionsMeaning(store.values.instructions(value));
    known.set(value, meaning);
  }
  return meaning;
}
