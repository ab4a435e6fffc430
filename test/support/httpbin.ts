// The real httpbin as an endpoint, served by gunicorn the way its own image does it.
import { readFileSync } from "node:fs";
import { installHttpbin } from "../../scripts/install-httpbin.ts";
import { type RunningPeer, startProgram } from "../http/peers/peer.ts";
import { freePort } from "./free-port.ts";

export interface Httpbin {
  readonly port: number;
  /** Request lines of its access log, such as `GET /get HTTP/1.1`: what `kubectl logs` would show. */
  served(): string[];
  stop(): Promise<void>;
}

/** Listens on 127.0.0.1; the caller stops it. Python needs `python3` with pip, the packages come by themselves. */
export async function startHttpbin(): Promise<Httpbin> {
  const packages = installHttpbin();
  const port = await freePort();
  let log = "";
  const text = (folder: string) => {
    log = `${folder}/access.log`;
    const options = {
      "--bind": `127.0.0.1:${port}`,
      "--worker-class": "gthread",
      "--threads": "16",
      "--keep-alive": "30",
      "--graceful-timeout": "1",
      "--access-logfile": log,
      "--access-logformat": "%(r)s",
    };
    return `import sys
sys.path.insert(0, ${JSON.stringify(packages)})
from gunicorn.app.wsgiapp import run
sys.argv = ${JSON.stringify(["gunicorn", ...Object.entries(options).flat(), "httpbin:app"])}
run()
`;
  };
  const peer: RunningPeer = await startProgram("python3", { name: "serve.py", text }, (path) => [path], [
    port,
  ]);
  return {
    port,
    served: () => readFileSync(log, "utf8").split("\n").slice(0, -1),
    stop: () => peer.stop(),
  };
}
