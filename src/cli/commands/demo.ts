// `limpet demo`: starts everything and says what to try.
import { DEMO_HOST, type RunningDemo, runDemo } from "../../runtime/demo.ts";
import { StartError } from "../../runtime/gateway.ts";
import { createLogger, writeStderr } from "../../telemetry/index.ts";
import type { FlagValues } from "../flag.ts";
import type { DEMO_FLAGS, OUTPUT_FLAGS } from "../flags.ts";
import type { Terminal } from "../terminal.ts";
import { keySource } from "./key-file.ts";

export type DemoFlags = FlagValues<typeof DEMO_FLAGS> & FlagValues<typeof OUTPUT_FLAGS>;

export async function demoCommand(flags: DemoFlags, version: string, terminal: Terminal): Promise<number> {
  const humanLog = terminal.people && flags.output === "text";
  const logger = createLogger({ level: flags.logLevel, human: humanLog, write: writeStderr });
  const admin = flags.admin === "off" ? undefined : flags.admin;
  const { workers, drainTimeout: drainTimeoutMs, logLevel, port } = flags;
  const replicaLog = (line: string) => {
    if (flags.output === "text") terminal.out(`${line}\n`);
  };
  try {
    return await runDemo(
      {
        admin,
        sessionKeys: keySource(flags.sessionKeys),
        workers,
        drainTimeoutMs,
        logLevel,
        humanLog,
        port,
        paths: flags.file,
        replicaLog,
      },
      {
        logger,
        version,
        signals: process,
        onReady: (demo) =>
          terminal.out(flags.output === "json" ? jsonText(demo) : welcome(demo, flags, terminal)),
      },
    );
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    throw new StartError(error.reasons.map((reason) => advice(reason, port)));
  }
}

/** The Gateway of the demo is not the user's, so its port is told by the flag that changes it. */
function advice(reason: string, port: number): string {
  const taken = `cannot listen on ${DEMO_HOST}:${port}: `;
  const at = reason.indexOf(taken);
  return at < 0 || reason.startsWith("admin") ? reason : `${reason.slice(at)}; choose another with --port N`;
}

function jsonText({ addresses, replicas, paths }: RunningDemo): string {
  const list = replicas.map(({ name, address }) => ({ name, address }));
  return `${JSON.stringify({ addresses, replicas: list, paths })}\n`;
}

function welcome(demo: RunningDemo, flags: DemoFlags, terminal: Terminal): string {
  const url = `http://${demo.addresses.find(({ name }) => name !== "admin")?.address}`;
  const admin = demo.addresses.find(({ name }) => name === "admin")?.address;
  const isOwn = flags.file.length === 0;
  return `${[
    `${terminal.style("bold", "Limpet")} is on ${terminal.style("bold", url)}, in front of ${demo.replicas.length} replicas:`,
    ...demo.replicas.map(({ name, address }) => `    ${name}  ${address}`),
    "",
    ...(isOwn ? whatToTry(url, terminal) : []),
    `The configuration is ${demo.paths.join(" ")}: edit it, and it is reloaded.`,
    ...(admin === undefined ? [] : [`What is served: http://${admin}/snapshot, http://${admin}/metrics`]),
    "Ctrl-C stops everything. What the replicas are asked appears below.",
  ].join("\n")}\n`;
}

function whatToTry(url: string, terminal: Terminal): string[] {
  const command = (text: string) => `    ${terminal.style("cyan", text)}`;
  const repeat = (text: string) => command(`for i in 1 2 3 4 5 6; do ${text} | grep pod; done`);
  return [
    "Without a session, requests spread:",
    repeat(`curl -s ${url}/get`),
    "With its cookie, a client comes home:",
    repeat(`curl -s -c jar -b jar ${url}/get`),
    "A header does the same (the first line shows it):",
    command(`home=$(curl -si ${url}/anything/header | awk '/^x-home:/ {print $2}' | tr -d '\\r')`),
    repeat(`curl -s -H "x-home: $home" ${url}/anything/header`),
    "A hash needs no session: the same user, the same replica:",
    repeat(`curl -s -H 'x-user: ada' ${url}/anything/hash`),
    "",
  ];
}
