// The row of a second worker: how much more two of them carry on two cores, under a load that leaves room for both.
import { BOTH_CORES } from "../children.ts";
import type { Row } from "../row.ts";
import { shakeHands } from "./tls.ts";

const WARM_UP_SECONDS = 3;
/** Connections find their worker by a hash: with only a few, one of two workers would often have none. */
const PLACES = 64;

/**
 * Full handshakes with RSA keys of 8,192 bits, which no one should use: a signature takes the server about fifty times
 * what the handshake takes its client, so that the load on the same two cores leaves them to the workers. With keys of
 * 4,096 bits the clients take a third of both cores, and no proxy gets beyond 1.6.
 */
export const workers: Row = {
  name: "workers",
  title: "RSA-8192 handshakes/s of 2 workers on 2 cores, as a multiple of 1 worker",
  origin: "plain",
  cell: [["times", 2]],
  only: ["Limpet", "HAProxy", "nginx", "Envoy"],
  async measure({ start, seconds }) {
    const rates: number[] = [];
    let errors = 0;
    for (const count of [1, 2]) {
      const running = await start({ tls: "rsa", workers: count });
      await shakeHands(running, BOTH_CORES, WARM_UP_SECONDS, PLACES);
      const shaken = await shakeHands(running, BOTH_CORES, seconds, PLACES);
      await running.stop();
      rates.push(shaken.done / shaken.seconds);
      errors += shaken.errors;
    }
    const [one = 0, two = 0] = rates;
    return { times: two / one, onePerSec: one, twoPerSec: two, errors };
  },
};
