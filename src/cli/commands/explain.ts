// `limpet explain`: asks files or a running gateway where one request goes, and why.
import { DEFAULT_DATAPLANE_OPTIONS } from "../../dataplane/options.ts";
import type { Explanation } from "../../inspect/explanation.ts";
import type { Snapshot } from "../../model/index.ts";
import { Explainer } from "../../runtime/explain/explainer.ts";
import {
  type Question,
  QuestionError,
  type QuestionTexts,
  readQuestion,
} from "../../runtime/explain/question.ts";
import { questionQuery } from "../../runtime/explain/question-query.ts";
import { FileSource } from "../../runtime/file-source.ts";
import { reasonText } from "../../runtime/finding-log.ts";
import { StartError } from "../../runtime/gateway.ts";
import { resolveNames } from "../../runtime/live-backend.ts";
import { dnsResolver } from "../../runtime/names/name-resolver.ts";
import { translateFiles } from "../../runtime/translate-files.ts";
import { askGateway } from "../admin-call.ts";
import { EXIT_DONE } from "../exit-codes.ts";
import { explanationText } from "../explanation-text.ts";
import type { FlagValues } from "../flag.ts";
import type { EXPLAIN_FLAGS } from "../flags.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { keysOfFile } from "./key-file.ts";

export type ExplainFlags = FlagValues<typeof EXPLAIN_FLAGS> & { readonly output: "text" | "json" };

export async function explainCommand(flags: ExplainFlags, terminal: Terminal): Promise<number> {
  const { request, file, admin } = flags;
  if (request === undefined) throw new UsageError("nothing to explain: give --request 'GET http://...'");
  if ((file.length === 0) === (admin === undefined)) {
    throw new UsageError("give either -f PATH or --admin URL: a configuration, or a gateway that serves one");
  }
  const { header: headers, client, local, at, refusing } = flags;
  const texts = { request, headers, client, local, at, refusing };
  const explanation =
    admin === undefined ? await fromFiles(texts, flags, terminal) : await fromGateway(texts, admin);
  const text =
    flags.output === "json"
      ? `${JSON.stringify(explanation, null, 2)}\n`
      : explanationText(request, explanation, terminal.style);
  terminal.out(text);
  return EXIT_DONE;
}

/** As `limpet run` with these flags would do it, before anything is known of the health of endpoints. */
async function fromFiles(
  texts: QuestionTexts,
  flags: ExplainFlags,
  terminal: Terminal,
): Promise<Explanation> {
  const dataplane = {
    ...DEFAULT_DATAPLANE_OPTIONS,
    trustedProxies: flags.trustedProxies ?? [],
    trustedHops: flags.trustedHops,
  };
  const question = asked(texts, dataplane.maxHeaders);
  const keys = await keysOfFile(flags.sessionKeys, terminal);
  const files = await new FileSource(flags.file).read();
  const { findings, snapshot } = translateFiles(files, { sealTokens: keys !== undefined });
  const unreadable = findings.filter(({ code }) => code === "unreadable-file");
  if (unreadable.length > 0) throw new StartError(unreadable.map(reasonText));
  const errors = findings.filter(({ severity }) => severity === "error").length;
  if (errors > 0) {
    const objects = errors === 1 ? "1 error" : `${errors} errors`;
    terminal.error(`warning: the configuration has ${objects}: see limpet validate\n`);
  }
  const backends = await withAddresses(snapshot.backends, flags.dnsServers ?? [], terminal);
  const explainer = new Explainer({ dataplane, portOffset: flags.portOffset }, Math.random);
  try {
    const asking = { snapshot: { ...snapshot, backends, version: 1 }, keys, nowMs: Date.now() };
    return explainer.explain(question, asking);
  } finally {
    explainer.close();
  }
}

/** Backends that are named by hosts, with the addresses that these have now. */
async function withAddresses(
  backends: Snapshot["backends"],
  servers: readonly string[],
  terminal: Terminal,
): Promise<Snapshot["backends"]> {
  const hosts = new Set(backends.flatMap(({ names }) => names?.map(({ host }) => host) ?? []));
  const resolve = dnsResolver(servers);
  const addresses = new Map<string, readonly string[]>();
  await Promise.all(
    [...hosts].map(async (host) => {
      try {
        addresses.set(host, (await resolve(host)).addresses);
      } catch (error) {
        terminal.error(`warning: ${host} cannot be resolved: ${(error as Error).message}\n`);
      }
    }),
  );
  return backends.map((backend) => resolveNames(backend, (host) => addresses.get(host) ?? []));
}

/** The gateway opens tokens with its own keys, and knows which endpoints are healthy. */
async function fromGateway(texts: QuestionTexts, admin: URL): Promise<Explanation> {
  asked(texts, DEFAULT_DATAPLANE_OPTIONS.maxHeaders);
  return (await askGateway(admin, "GET", "/api/explain", questionQuery(texts))) as Explanation;
}

function asked(texts: QuestionTexts, maxHeaders: number): Question {
  try {
    return readQuestion(texts, maxHeaders);
  } catch (error) {
    if (error instanceof QuestionError) throw new UsageError(error.message);
    throw error;
  }
}
