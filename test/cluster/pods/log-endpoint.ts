// The kubelet's log endpoint: `kubectl logs` and every other client reach it through the API server.

import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { ServerCertificate } from "../control-plane.ts";
import type { ContainerLog, LogQuery } from "./container-log.ts";

export type FindLog = (namespace: string, pod: string, container: string) => ContainerLog | undefined;

export class LogEndpoint {
  readonly #server: Server;

  constructor({ chain, privateKey }: ServerCertificate, find: FindLog) {
    this.#server = createServer({ cert: chain, key: privateKey }, (request, response) =>
      answer(request, response, find),
    );
  }

  /** Answers the port. */
  listen(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, address, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

/** `/containerLogs/NAMESPACE/POD/CONTAINER`, with the fields of PodLogOptions as its query. */
function answer(request: IncomingMessage, response: ServerResponse, find: FindLog): void {
  const url = new URL(request.url ?? "/", "https://node");
  const [root, namespace = "", pod = "", container = ""] = url.pathname.slice(1).split("/");
  const log = root === "containerLogs" ? find(namespace, pod, container) : undefined;
  if (log === undefined) {
    response.writeHead(404).end(`there is no log of ${url.pathname}\n`);
    return;
  }
  const query = logQuery(url.searchParams);
  response.writeHead(200, { "content-type": "text/plain" });
  for (const line of log.read(query)) response.write(`${line}\n`);
  if (url.searchParams.get("follow") !== "true") {
    response.end();
    return;
  }
  // So that a client knows that it follows, before the first line.
  response.flushHeaders();
  const unfollow = log.follow(
    (line) => response.write(`${line}\n`),
    () => response.end(),
    query.timestamps ?? false,
  );
  response.once("close", unfollow);
}

function logQuery(params: URLSearchParams): LogQuery {
  const tail = params.get("tailLines");
  const sinceSeconds = params.get("sinceSeconds");
  const sinceTime = params.get("sinceTime");
  return {
    ...(tail !== null && { tailLines: Number(tail) }),
    ...(sinceSeconds !== null && { since: new Date(Date.now() - Number(sinceSeconds) * 1000) }),
    ...(sinceTime !== null && { since: new Date(sinceTime) }),
    timestamps: params.get("timestamps") === "true",
  };
}
