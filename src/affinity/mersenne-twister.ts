// The generator mt19937 of the C++ standard library: bounded load draws its probe order from it, seeded by the hash.

const SIZE = 624;
const MIDDLE = 397;
const UPPER_BIT = 0x8000_0000;
const LOWER_BITS = 0x7fff_ffff;
const TWIST = 0x9908_b0df;

/** Uniform 32-bit numbers; the same seed gives the same sequence everywhere. */
export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE);
  #index = SIZE;

  /** Starts the sequence of a seed anew. */
  seed(seed: number): void {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const previous = state[i - 1]!;
      state[i] = Math.imul(1_812_433_253, previous ^ (previous >>> 30)) + i;
    }
    this.#index = SIZE;
  }

  /** The next number, 0 to 2^32 - 1. */
  next(): number {
    if (this.#index === SIZE) this.#twist();
    let value = this.#state[this.#index++]!;
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c_5680;
    value ^= (value << 15) & 0xefc6_0000;
    value ^= value >>> 18;
    return value >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const joined = (state[i]! & UPPER_BIT) | (state[(i + 1) % SIZE]! & LOWER_BITS);
      const twisted = (joined >>> 1) ^ ((joined & 1) === 0 ? 0 : TWIST);
      state[i] = state[(i + MIDDLE) % SIZE]! ^ twisted;
    }
    this.#index = 0;
  }
}
