// Waits for what happens soon, but at a moment that no event tells.

const PAUSE_MS = 50;

/** What `ask` answers once that is neither false nor undefined. An error of `ask` ends the wait. */
export async function until<T>(
  ask: () => Promise<T | false | undefined> | T | false | undefined,
  what: string,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
