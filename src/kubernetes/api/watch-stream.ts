// The body of a watch: one JSON event a line, in pieces that end anywhere.
import type { IncomingMessage } from "node:http";
import { ApiError, type WatchEvent } from "./client.ts";
import { jsonIn } from "./response.ts";

const LINE_FEED = 0x0a;
/** Far beyond what etcd takes as one object. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;

/** Resolves when the body ends between two events; rejects where it breaks, or `onEvent` throws. */
export async function eachEvent(
  what: string,
  body: IncomingMessage,
  onEvent: (event: WatchEvent) => void,
  onBytes: () => void,
): Promise<void> {
  /** The beginning of a line; in pieces, because one long line may come in thousands. */
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for await (const chunk of body) {
    onBytes();
    let rest = chunk as Buffer;
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      const line = Buffer.concat([...begun, rest.subarray(0, end)]);
      rest = rest.subarray(end + 1);
      begun = [];
      begunBytes = 0;
      if (line.length > 0) onEvent(jsonIn(what, line.toString("utf8")) as WatchEvent);
    }
    if (rest.length === 0) continue;
    begun.push(rest);
    begunBytes += rest.length;
    if (begunBytes > MAX_LINE_BYTES) {
      throw new ApiError(`${what}: an event is longer than ${MAX_LINE_BYTES} bytes`, { status: 0 });
    }
  }
  if (begun.length > 0) throw new ApiError(`${what}: the watch broke off within an event`, { status: 0 });
}
