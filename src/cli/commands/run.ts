// `limpet run`: from flags to a running gateway.
import { readyLine, run } from "../../runtime/run.ts";
import type { RunOptions } from "../../runtime/run-options.ts";
import { Predecessor } from "../../runtime/succession/predecessor.ts";
import { ownCommand } from "../../runtime/succession/successor.ts";
import { createLogger, writeStderr } from "../../telemetry/index.ts";
import type { FlagValues } from "../flag.ts";
import type { OUTPUT_FLAGS, RUN_FLAGS } from "../flags.ts";
import { kubernetesOptions } from "../kubernetes-flags.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { keySource } from "./key-file.ts";

export type RunFlags = FlagValues<typeof RUN_FLAGS> & FlagValues<typeof OUTPUT_FLAGS>;

export async function runCommand(flags: RunFlags, version: string, terminal: Terminal): Promise<number> {
  const options = runOptions(flags, terminal);
  const logger = createLogger({ level: options.logLevel, human: options.humanLog, write: writeStderr });
  return run(options, {
    logger,
    version,
    signals: process,
    predecessor: Predecessor.of(process),
    successor: ownCommand(),
    onReady: (addresses) => writeStderr(`${readyLine(addresses)}\n`),
  });
}

function runOptions(flags: RunFlags, terminal: Terminal): RunOptions {
  if (flags.engine !== "embedded") throw new UsageError(`--engine ${flags.engine} is not built yet`);
  const kubernetes = kubernetesOptions(flags, process.env);
  if (flags.file.length === 0 && kubernetes === undefined) {
    throw new UsageError("nothing to serve: give -f PATH or --kubernetes, or try limpet demo");
  }
  return {
    paths: flags.file,
    kubernetes,
    watch: !flags.noWatch,
    strictConfig: flags.strictConfig,
    listenAddress: flags.listenAddress,
    portOffset: flags.portOffset,
    workers: flags.workers,
    admin: flags.admin === "off" ? undefined : flags.admin,
    drainTimeoutMs: flags.drainTimeout,
    drainDelayMs: flags.drainDelay,
    logLevel: flags.logLevel,
    humanLog: terminal.people && flags.output === "text",
    accessLog: accessLogTarget(flags.accessLog),
    accessLogFormat: flags.accessLogFormat,
    tracing: flags.tracing,
    sessionKeys: keySource(flags.sessionKeys),
    dnsServers: flags.dnsServers ?? [],
    dataplane: {
      // Without defaults of its own, so that the compiler misses a flag that leads nowhere.
      requestHeadTimeoutMs: flags.requestHeadTimeout,
      requestBodyTimeoutMs: flags.requestBodyTimeout,
      idleTimeoutMs: flags.idleTimeout,
      writeTimeoutMs: flags.writeTimeout,
      upstreamConnectTimeoutMs: flags.upstreamConnectTimeout,
      upstreamResponseTimeoutMs: flags.upstreamResponseTimeout,
      upstreamIdleTimeoutMs: flags.upstreamIdleTimeout,
      upstreamMaxIdle: flags.upstreamMaxIdle,
      tunnelTimeoutMs: flags.tunnelTimeout,
      maxHeadSize: flags.maxHeadSize,
      maxHeaders: flags.maxHeaders,
      maxBodySize: flags.maxBodySize,
      maxConnections: flags.maxConnections,
      maxRequests: flags.maxRequests,
      maxRequestsPerEndpoint: flags.maxRequestsPerEndpoint,
      maxBufferedSize: flags.maxBufferedSize,
      retryBufferSize: flags.retryBufferSize,
      minRate: flags.minRate,
      trustedProxies: flags.trustedProxies ?? [],
      proxyProtocolFrom: flags.proxyProtocolFrom ?? [],
      trustedHops: flags.trustedHops,
      // The limits are those of all workers together.
      workers: 1,
    },
  };
}

function accessLogTarget(text: string | undefined): RunOptions["accessLog"] {
  if (text === undefined) return { kind: "stdout" };
  return text === "off" ? { kind: "off" } : { kind: "file", path: text };
}
