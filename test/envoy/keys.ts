// Keys for the differential tests: the same in every run, of many lengths and alphabets.

/** `count` keys from a fixed seed (a linear congruential generator; quality does not matter here, repeatability does). */
export function randomKeys(count: number, seed = 20_260_101): string[] {
  let state = seed >>> 0;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  // Safe in a header, a cookie value and a query alike.
  const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!*";
  return Array.from({ length: count }, () => {
    const length = 1 + next(next(2) === 0 ? 12 : 70);
    return Array.from({ length }, () => alphabet[next(alphabet.length)]).join("");
  });
}
