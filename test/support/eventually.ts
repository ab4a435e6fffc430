// Asks again and again until the answer is as expected: for what happens soon, but at a moment that no event tells.

const DEADLINE_MS = 25_000;
const PAUSE_MS = 25;

/** The first answer that satisfies `holds`; throws with the last one after 25 seconds. */
export async function eventually<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > deadline)
      throw new Error(`still not after 25 s; the last answer: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
