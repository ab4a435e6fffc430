// The soak's clients over TLS: on connections that outlive certificates, and on new ones that see each.
import type { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { ask } from "./asking.ts";
import { SERVER_NAME } from "./manifests.ts";
import type { Scene } from "./requests.ts";

const PAUSE_MS = 50;

/** A scene whose clients trust an authority and write down the certificates that they are shown. */
export class TlsScene {
  readonly scene: Scene;
  readonly port: number;
  readonly ca: string;
  /** Fingerprints. */
  readonly certificates = new Set<string>();

  constructor(scene: Scene, port: number, ca: string) {
    this.scene = scene;
    this.port = port;
    this.ca = ca;
  }
}

type TlsClient = (secure: TlsScene) => Promise<void>;

function asking(kind: string, connections: "kept" | "new"): TlsClient {
  return async ({ scene, port, ca, certificates }) => {
    const agent = connections === "kept" ? new TlsAgent({ keepAlive: true, maxSockets: 1 }) : false;
    while (!scene.stopped()) {
      const question = {
        kind,
        port,
        path: "/secure",
        headers: { host: SERVER_NAME },
        agent: agent as Agent | false,
        tls: { servername: SERVER_NAME, ca },
        onResponse: (socket: Socket) =>
          certificates.add((socket as TLSSocket).getPeerCertificate().fingerprint256),
      };
      await ask(scene.ledger, question, (body) => body.toString() === "GET /secure");
      await delay(PAUSE_MS);
    }
    if (agent !== false) agent.destroy();
  };
}

export const TLS_CLIENTS: readonly TlsClient[] = [
  ...Array<TlsClient>(3).fill(asking("kept TLS connection", "kept")),
  ...Array<TlsClient>(2).fill(asking("new TLS connection", "new")),
];
