// An explanation for people: one line that says where and why, then what each stage found.
import type {
  AffinityStage,
  EndpointStage,
  ExchangeStage,
  Explanation,
  ListenerStage,
  NearMisses,
  PolicyReport,
  RouteStage,
  RuleStage,
  SessionReport,
  SplitReport,
  TokenReport,
} from "../inspect/explanation.ts";
import type { RouteMatch } from "../model/index.ts";
import type { Terminal } from "./terminal.ts";

const LABEL_WIDTH = 11;
const SHOWN_CANDIDATES = 8;
const SHOWN_ENDPOINTS = 8;

/** @param request as it was asked */
export function explanationText(request: string, explanation: Explanation, style: Terminal["style"]): string {
  const { stages, outcome, reason } = explanation;
  const stage = (name: string, lines: readonly string[] | undefined) =>
    (lines ?? []).map((line, index) => {
      const label = (index === 0 ? name : "").padEnd(LABEL_WIDTH);
      return `${style("cyan", label)}${line}`.trimEnd();
    });
  const why = [outcome ?? [], reason].flat().filter((text) => text !== "");
  return [
    `${style("bold", request)} -> ${style("bold", destination(explanation))}`,
    ...(why.length === 0 ? [] : [why.join(": ")]),
    ...candidateLines(explanation),
    "",
    ...stage("listener", listenerLines(stages.listener)),
    ...stage("route", stages.route === null ? undefined : routeLines(stages.route)),
    ...stage("rule", stages.rule === null ? undefined : ruleLines(stages.rule)),
    ...stage("affinity", stages.affinity === null ? undefined : affinityLines(stages.affinity)),
    ...stage(
      "endpoint",
      stages.endpoint === null ? undefined : endpointLines(stages.endpoint, explanation.endpoint),
    ),
    ...stage(
      "exchange",
      stages.exchange === null ? undefined : exchangeLines(stages.exchange, explanation.endpoint === null),
    ),
    "",
  ].join("\n");
}

function destination({ endpoint, answer, candidates, backend }: Explanation): string {
  if (answer !== null) {
    const { status, code } = answer;
    if (status === null) return `no answer, the connection is closed (${code})`;
    const location = answer.fields[answer.fields.indexOf("location") + 1];
    if (code === null) return `${status} by the gateway${status >= 300 ? `, to ${location}` : ""}`;
    return `${status} ${code}${endpoint === null ? "" : `, tried ${endpoint}`}`;
  }
  if (endpoint !== null) return endpoint;
  return `one of ${candidates.length} endpoints${backend === null ? "" : ` of ${backend}`}`;
}

function candidateLines({ candidates }: Explanation): string[] {
  const lines = candidates
    .slice(0, SHOWN_CANDIDATES)
    .map(
      ({ endpoint, backend, share }) =>
        `  ${percent(share).padStart(6)}  ${endpoint ?? "no endpoint"}${backend === null ? "" : ` of ${backend}`}`,
    );
  const rest = candidates.length - lines.length;
  return rest > 0 ? [...lines, `          and ${rest} more`] : lines;
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10}%`;
}

function listenerLines({ name, hostname, protocol, bind, client, nearMisses }: ListenerStage): string[] {
  const place = `on port ${bind}, client ${client}`;
  return [
    name === null ? `none ${place}` : `${name} (${protocol}, host ${hostname}) ${place}`,
    ...missLines(nearMisses),
  ];
}

function routeLines({ name, nearMisses }: RouteStage): string[] {
  return [name ?? "none", ...missLines(nearMisses)];
}

function ruleLines({ name, index, matches, filters, nearMisses }: RuleStage): string[] {
  const title = name === null ? "none" : name === String(index) ? `rule ${name}` : `rule ${index}, ${name}`;
  return [
    [title, matches.map(matchText).join(" or ")].filter((text) => text !== "").join(": "),
    ...filters,
    ...missLines(nearMisses),
  ];
}

function missLines({ first, leftOff }: NearMisses): string[] {
  const lines = first.map(({ name, reasons }) => `not ${name}: ${reasons.join(", ")}`);
  return leftOff > 0 ? [...lines, `nor ${leftOff} more`] : lines;
}

function matchText({ path, method, headers, query }: RouteMatch): string {
  const words = { exact: "path", prefix: "path under", regex: "path like" };
  return [
    ...(method === undefined ? [] : [`method ${method}`]),
    `${words[path.type]} ${path.value}`,
    ...headers.map(({ type, name, value }) => `header ${name} ${type === "exact" ? "=" : "like"} ${value}`),
    ...query.map(({ type, name, value }) => `query ${name} ${type === "exact" ? "=" : "like"} ${value}`),
  ].join(", ");
}

function affinityLines({ sessions, split, hash }: AffinityStage): string[] {
  const lines = [
    ...sessions.flatMap(sessionLines),
    ...(split === null ? [] : splitLines(split)),
    ...(hash === null ? [] : hash.policies.map(policyLine)),
    ...(hash === null ? [] : [`request hash ${hash.combined ?? "none"}`]),
  ];
  return lines.length === 0 ? ["no session, no hash"] : lines;
}

function sessionLines({
  carrier,
  declaredBy,
  scope,
  split,
  onLost,
  absoluteTimeoutSec,
  idleTimeoutSec,
  overrides,
  tokens,
}: SessionReport): string[] {
  const times = [
    ...(absoluteTimeoutSec === null ? [] : [`absolute timeout ${duration(absoluteTimeoutSec)}`]),
    ...(idleTimeoutSec === null ? [] : [`idle timeout ${duration(idleTimeoutSec)}`]),
  ];
  const rules = [`split ${split}`, `on loss ${onLost}`, ...times].join(", ");
  return [
    `session in ${carrier}, by ${declaredBy ?? scope} (${rules})`,
    ...overrides.map((other) => `  in place of ${other}`),
    ...(tokens.length === 0 ? ["  no token"] : tokens.flatMap(tokenLines)),
  ];
}

function tokenLines({
  format,
  keyId,
  endpoint,
  identity,
  begunAt,
  lastSeenAt,
  ageSec,
  leftSec,
  verdict,
}: TokenReport): string[] {
  if (format === null) return [`  token: ${verdict}`];
  const facts = [
    ...(begunAt === null ? [] : [`begun ${begunAt}${ageSec === null ? "" : ` (${duration(ageSec)} ago)`}`]),
    ...(lastSeenAt === null ? [] : [`last seen ${lastSeenAt}`]),
    leftSec === null
      ? "no end"
      : leftSec < 0
        ? `over for ${duration(-leftSec)}`
        : `${duration(leftSec)} left`,
  ];
  const seal = keyId === null ? "not sealed" : `sealed with key ${keyId}`;
  return [
    `  token: ${endpoint}${identity === null ? "" : `, ${identity}`}, ${format} format, ${seal}`,
    `    ${facts.join(", ")}`,
    `    ${verdict}`,
  ];
}

function splitLines({ by, value, total, backends }: SplitReport): string[] {
  const how = {
    session: "split: the session decides, whatever the weights",
    hash: `split by the request hash: ${value} of ${total}`,
    draw: `split drawn by weight: one of ${total}`,
  };
  return [
    how[by],
    ...backends.map(({ backend, weight, from, to }) => {
      const range =
        weight === 0 ? "no part" : by === "hash" ? `${from} to ${to - 1}` : percent(weight / total);
      return `  ${backend ?? "an invalid backend"}: weight ${weight}, ${range}`;
    }),
  ];
}

function policyLine({ key, terminal, inputs, hash, generated, skipped }: PolicyReport): string {
  const end = terminal ? ", terminal" : "";
  if (skipped) return `hash of ${key}: an earlier policy is terminal`;
  if (hash === null)
    return `hash of ${key}: ${generated ? "the cookie is generated at random" : "the key is missing"}`;
  const bytes = inputs.map((input) => JSON.stringify(input).replaceAll("\\\\", "\\")).join(", ");
  return `hash of ${key}: ${hash} of ${bytes}${generated ? ", a cookie that is generated" : ""}${end}`;
}

function endpointLines(stage: EndpointStage, endpoint: string | null): string[] {
  const { backend, balancer, panic, endpoints, runnerUps, pinned } = stage;
  const serving = endpoints.filter(({ serves }) => serves).length;
  const notes = [
    ...(panic ? ["in panic: health is ignored"] : []),
    ...(pinned ? ["the session is never sent to another host"] : []),
  ];
  const shown = endpoints.slice(0, SHOWN_ENDPOINTS).map(({ address, health, serves, hostname }) => {
    const mark = address === endpoint ? "*" : " ";
    const state = serves ? health : `${health}, takes no new sessions`;
    return `${mark} ${address}${hostname === null ? "" : ` ${hostname}`}: ${state}`;
  });
  const rest = endpoints.length - shown.length;
  return [
    `${backend}, by ${balancer}, ${serving} of ${endpoints.length} endpoints take new sessions`,
    ...notes,
    ...shown,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    ...(runnerUps.length === 0 ? [] : [`if it refuses: ${runnerUps.join(", then ")}`]),
  ];
}

function exchangeLines({ attempts, mirrors, response, limits }: ExchangeStage, isDrawn: boolean): string[] {
  const last = attempts.at(-1);
  return [
    ...attempts.map(
      ({ request, host, endpoint, refused }) =>
        `${request}, host ${host}, to ${isDrawn ? "the endpoint that is drawn" : endpoint}${refused ? ": refused" : ""}`,
    ),
    ...(last?.dropped ?? []).map((name) => `  without the client's ${name}`),
    ...(last?.added ?? []).map((line) => `  with ${line}`),
    ...mirrors.map(({ endpoint, request }) => `copy of it to ${endpoint}: ${request}`),
    ...response.map((line) => `response with ${line}`),
    ...limits,
  ];
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1],
] as const;

/** The two largest units: `1h5m`. */
function duration(sec: number): string {
  const at = UNITS.findIndex(([, length]) => sec >= length);
  if (at === -1) return "0s";
  let rest = sec;
  return UNITS.slice(at, at + 2)
    .map(([unit, length]) => {
      const count = Math.floor(rest / length);
      rest -= count * length;
      return count === 0 ? "" : `${count}${unit}`;
    })
    .join("");
}
