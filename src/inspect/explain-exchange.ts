// The exchange of an explanation: what the endpoint gets, what is added for the client, and how long it may take.
import type { Decision } from "../affinity/decision.ts";
import type { Rule } from "../model/index.ts";
import type { Course, SentHead } from "./course.ts";
import type { ExchangeStage, SentReport } from "./explanation.ts";

export function explainExchange({
  attempts,
  mirrors,
  responseFields,
  decision,
  match,
}: Course): ExchangeStage {
  return {
    attempts: attempts.map((sent) => sentReport(sent, decision)),
    mirrors: mirrors.map((sent) => sentReport(sent, decision)),
    response: lines(responseFields).map((line) => withoutToken(line, decision)),
    limits: match?.rule === undefined ? [] : limitTexts(match.rule),
  };
}

function sentReport(
  { endpoint, refused, method, path, host, dropped, added }: SentHead,
  decision: Decision | undefined,
): SentReport {
  return {
    endpoint: endpoint.address,
    refused,
    request: `${method} ${path}`,
    host,
    dropped,
    added: lines(added)
      .filter((line) => !line.startsWith("x-request-id:"))
      .map((line) => withoutOwnSession(line, decision)),
  };
}

function lines(fields: readonly string[]): string[] {
  return fields.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${fields[at + 1]}`] : []));
}

/** What a token held of the application's own session is as good as the session. */
function withoutOwnSession(line: string, decision: Decision | undefined): string {
  if (line.startsWith("cookie: ")) return line.replace(/=[^;]*/g, "=...");
  const name = decision?.unwrapped?.name.toLowerCase();
  return name !== undefined && line.startsWith(`${name}: `) ? `${name}: ...` : line;
}

/** An explanation is copied into tickets and chats, where nobody should find a session to go on with. */
function withoutToken(line: string, decision: Decision | undefined): string {
  const carrier = decision?.issue?.session?.carrier;
  if (carrier?.kind === "header" && line.startsWith(`${carrier.name.toLowerCase()}: `)) {
    return `${carrier.name.toLowerCase()}: <new token>`;
  }
  const cookie = `set-cookie: ${carrier?.name}="`;
  if (carrier?.kind !== "cookie" || !line.startsWith(cookie)) return line;
  return `${cookie}<new token>${line.slice(line.indexOf('"', cookie.length))}`;
}

function limitTexts({ timeouts, retry }: Rule): string[] {
  const texts: string[] = [];
  if (timeouts?.requestMs !== undefined) texts.push(`the whole exchange may take ${timeouts.requestMs} ms`);
  const attemptMs = retry?.attemptTimeoutMs ?? timeouts?.backendRequestMs;
  if (attemptMs !== undefined) texts.push(`an attempt may take ${attemptMs} ms`);
  if (retry === undefined) return texts;
  const reasons = [
    ...(retry.statusCodes.length === 0 ? [] : [`status ${retry.statusCodes.join(", ")}`]),
    ...(retry.onConnectionError ? [retry.onlyUnopened ? "a refused connection" : "a lost connection"] : []),
    ...(retry.onTimeout ? ["a timeout"] : []),
  ];
  texts.push(`up to ${retry.attempts} retries on ${reasons.join(", ")}`);
  return texts;
}
