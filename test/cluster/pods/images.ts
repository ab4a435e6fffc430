// Which program stands for a container image: there is no container engine, so a pod's containers are processes of this machine.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { installHttpbin } from "../../../scripts/install-httpbin.ts";
import type { Programs } from "../install/programs.ts";
import type { ContainerSpec } from "./pod.ts";

export interface ImageProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The container counts as started once this port is open. */
  readonly port?: number;
}

export interface ImageRule {
  /** Against the whole name, registry and tag included. */
  readonly image: RegExp;
  /** @param env of the container, all values filled in */
  program(container: ContainerSpec, env: Readonly<Record<string, string>>): ImageProgram;
}

const ROOT = resolve(import.meta.dirname, "../../..");

/** The first rule that matches wins. */
export function imageRules({ echoBasic }: Programs): readonly ImageRule[] {
  return [
    {
      // The backend of the conformance suite, and of Envoy Gateway's quickstart.
      image: /(^|\/)echo-basic([:@]|$)/,
      program: (_container, env) => ({ program: echoBasic, args: [], ...echoPort(env) }),
    },
    { image: /(^|\/)(go-)?httpbin([:@]|$)/, program: httpbin },
    {
      image: /(^|\/)limpet([:@]|$)/,
      program: ({ args = [] }) => ({ program: node(), args: [resolve(ROOT, "src/cli/bin.ts"), ...args] }),
    },
    {
      image: /(^|\/)curl([:@]|$)/,
      program: ({ command = ["curl"], args = [] }) => commandLine([...command, ...args]),
    },
    {
      // Programs of this machine, such as a shell: for pods that fail, end, or just wait.
      image: /(^|\/)(alpine|busybox|debian|ubuntu)([:@]|$)/,
      program: ({ command = ["sh"], args = [] }) => commandLine([...command, ...args]),
    },
  ];
}

/** Throws where nothing stands for the image. */
export function programFor(
  rules: readonly ImageRule[],
  container: ContainerSpec,
  env: Readonly<Record<string, string>>,
): ImageProgram {
  const rule = rules.find(({ image }) => image.test(container.image));
  if (rule === undefined)
    throw new Error(`no program stands for the image ${container.image}: see test/cluster/pods/images.ts`);
  return rule.program(container, env);
}

function commandLine([program = "", ...args]: readonly string[]): ImageProgram {
  return { program, args };
}

/** It has modes without an open TCP port, and one with a port of another name. */
function echoPort(env: Readonly<Record<string, string>>): { port?: number } {
  if (env["UDP_ECHO_SERVER"] !== undefined || env["GRPC_ECHO_SERVER"] !== undefined) return {};
  const name = env["TCP_ECHO_SERVER"] === undefined ? "HTTP_PORT" : "TCP_PORT";
  return { port: Number(env[name] ?? 3000) };
}

/** The node of the project, since pods may mount something over wherever the running one lies. */
function node(): string {
  const own = resolve(ROOT, "node_modules/node/bin/node");
  return existsSync(own) ? own : process.execPath;
}

/** The real one, on the port that its own command line or the container says, with a line for each request. */
function httpbin({ command = [], args = [], ports = [] }: ContainerSpec): ImageProgram {
  const words = [...command, ...args];
  const bind = words[words.findIndex((word) => word === "-b" || word === "--bind") + 1] ?? "";
  const port = Number(/:(\d+)$/.exec(bind)?.[1] ?? ports[0]?.containerPort ?? 80);
  const options = [
    ...["--bind", `0.0.0.0:${port}`],
    ...["--worker-class", "gthread", "--threads", "16"],
    ...["--keep-alive", "30", "--access-logfile", "-", "--no-control-socket"],
  ];
  const serve = `import sys
sys.path.insert(0, ${JSON.stringify(installHttpbin())})
from gunicorn.app.wsgiapp import run
sys.argv = ${JSON.stringify(["gunicorn", ...options, "httpbin:app"])}
run()
`;
  return { program: "python3", args: ["-u", "-c", serve], port };
}
