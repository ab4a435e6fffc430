// Numbers in place of random ones that cover every range evenly, so that counting few draws shows the shares of all.

const BASES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/**
 * The random numbers of draw number `draw`, from 0: a Halton sequence, one prime base for each number that the draw asks
 * for. One that asks for more than there are bases gets the first ones again.
 */
export function evenDraws(draw: number): () => number {
  let asked = 0;
  return () => {
    const base = BASES[asked % BASES.length] as number;
    asked += 1;
    return radicalInverse(draw + 1, base);
  };
}

/** The digits of a number behind the point, in reverse: 1, 2, 3 in base 2 are 0.5, 0.25, 0.75. */
function radicalInverse(number: number, base: number): number {
  let inverse = 0;
  let place = 1 / base;
  for (let rest = number; rest > 0; rest = Math.floor(rest / base)) {
    inverse += (rest % base) * place;
    place /= base;
  }
  return inverse;
}
