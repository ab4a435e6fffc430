// A cluster under traffic: an application with sessions, two replicas of Limpet in front of it, clients, and the book of what they saw.
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { Clients, idlingFor } from "../rollout/clients.ts";
import { SessionLedger } from "../rollout/session-ledger.ts";
import { LimpetFleet } from "./limpet-fleet.ts";
import { SESSION_APPLICATION_IMAGE, SessionApplication } from "./session-application.ts";

export interface TrafficStage {
  readonly ledger: SessionLedger;
  readonly cluster: Cluster;
  readonly application: SessionApplication;
  readonly limpets: LimpetFleet;
  /** Where the clients find the gateway. */
  readonly port: number;
  /** They have not begun. */
  readonly clients: Clients;
  close(): Promise<void>;
}

export async function openTrafficStage({
  replicas,
  requestsPerSec,
}: {
  /** Of the application. */
  replicas: number;
  requestsPerSec: number;
}): Promise<TrafficStage> {
  const startMs = performance.now();
  const ledger = new SessionLedger(undefined, () => performance.now() - startMs);
  const cluster = await startCluster({
    gatewayApi: "1.7.0",
    channel: "experimental",
    images: [SESSION_APPLICATION_IMAGE],
  });
  const application = new SessionApplication(cluster, ledger);
  const limpets = new LimpetFleet(cluster);
  let clients: Clients | undefined;
  const close = async () => {
    await clients?.stop();
    await limpets.stop();
    await application.stop();
    await cluster.stop();
  };
  try {
    await application.start(replicas);
    const port = await limpets.start();
    clients = new Clients({ port, ledger, busy: 0, idling: idlingFor(requestsPerSec) });
    return { ledger, cluster, application, limpets, port, clients, close };
  } catch (error) {
    await close();
    throw error;
  }
}
