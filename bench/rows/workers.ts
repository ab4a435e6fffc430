// The row of a second worker: how much more two of them carry on two cores, under a load that leaves room for both.
import { BOTH_CORES } from "../children.ts";
import type { Row } from "../row.ts";
import { shakeHands } from "./tls.ts";

const WARM_UP_SECONDS = 3;

/**
 * Full handshakes with RSA keys of 4,096 bits: the server has about fifty times the work of its clients, so that the
 * load on the same two cores takes next to nothing from the workers.
 */
export const workers: Row = {
  name: "workers",
  title: "RSA-4096 handshakes/s of 2 workers on 2 cores, as a multiple of 1 worker",
  origin: "plain",
  cell: [["times", 2]],
  only: ["Limpet", "HAProxy", "nginx", "Envoy"],
  async measure({ start, seconds }) {
    const rates: number[] = [];
    let errors = 0;
    for (const count of [1, 2]) {
      const running = await start({ tls: "rsa", workers: count });
      await shakeHands(running, BOTH_CORES, WARM_UP_SECONDS);
      const shaken = await shakeHands(running, BOTH_CORES, seconds);
      await running.stop();
      rates.push(shaken.done / shaken.seconds);
      errors += shaken.errors;
    }
    const [one = 0, two = 0] = rates;
    return { times: two / one, onePerSec: one, twoPerSec: two, errors };
  },
};
