// Ten thousand lines of an access log, each explained after the fact: the endpoint is the logged one, every time.
import { describe, expect, test } from "vitest";
import { parseLogFormat } from "../../src/dataplane/access-format.ts";
import type { AccessRecord } from "../../src/dataplane/access-record.ts";
import { DEFAULT_DATAPLANE_OPTIONS } from "../../src/dataplane/options.ts";
import type { Explanation } from "../../src/inspect/explanation.ts";
import type {
  Backend,
  HashKey,
  LoadBalancer,
  Rule,
  SessionPersistence,
  Snapshot,
} from "../../src/model/index.ts";
import { Explainer } from "../../src/runtime/explain/explainer.ts";
import { readQuestion } from "../../src/runtime/explain/question.ts";
import { seededRandom } from "../support/affinity.ts";
import type { AccessLogLine } from "../support/gateway.ts";
import { MemoryGateway, settled } from "../support/memory-gateway.ts";
import { match, prefix } from "../support/routes.ts";
import { ringOf } from "../support/sealed.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const LINES = 10_000;
const CLIENTS = 300;
const PROXY = "198.51.100.1";
const KEYS = ringOf([1, 2]);

const maglev: LoadBalancer = { kind: "maglev", tableSize: 1021, useHostname: false };
const ring: LoadBalancer = {
  kind: "ringHash",
  minimumSize: 512,
  maximumSize: 4096,
  hashFunction: "xxHash",
  useHostname: true,
};

/** Endpoints come, drain and go with every phase of the log. */
function endpointsOf(network: number, phase: number, count: number) {
  return Array.from({ length: count }, (_, index) => {
    const number = index + phase;
    const health =
      phase > 0 && index === 0 ? "draining" : phase === 2 && index === 1 ? "unhealthy" : "healthy";
    return endpoint(`10.0.${network}.${number + 1}:80`, {
      health,
      uid: `${network}-${number}`,
      hostname: `pod-${network}-${number}`,
      weight: 1 + (index % 2),
    });
  });
}

function sealed(name: string, more: Partial<SessionPersistence> = {}): SessionPersistence {
  const token = { format: "sealed", identity: "uid" } as const;
  return cookieSession(name, {
    token,
    scope: `HTTPRoute/default/shop/${name}`,
    idleTimeoutSec: 600,
    ...more,
  });
}

function at(path: string, backends: readonly Backend[], more: Partial<Rule> = {}): Rule {
  return forwardRule(backends, { name: path.slice(1), matches: [match(prefix(path))], ...more });
}

function hashOn(key: HashKey): Rule["hashPolicies"] {
  return [{ ...key, terminal: false }];
}

/** Weights by hash lead to backends that hash too, so that both are certain. */
function weighted(first: Backend, second: Backend): Rule["action"] {
  return {
    kind: "forward",
    backends: [
      { backend: first.id, weight: 70, filters: [] },
      { backend: second.id, weight: 30, filters: [] },
    ],
  };
}

function snapshotIn(phase: number): Snapshot {
  const plain = backend("plain", endpointsOf(0, phase, 6));
  const table = backend("table", endpointsOf(1, phase, 7), { loadBalancer: maglev });
  const circle = backend("circle", endpointsOf(2, phase, 5), { loadBalancer: ring });
  const canary = backend("canary", endpointsOf(3, phase, 2), { loadBalancer: maglev });
  const header = { kind: "header", name: "x-home" } as const;
  const generated: HashKey = { kind: "cookie", name: "pin", ttlSec: 0, attributes: [] };
  const rules = [
    at("/cookie", [plain], { session: sealed("home") }),
    at("/header", [plain], { session: { ...sealed("x-home"), carrier: header } }),
    at("/envoy", [plain], { session: cookieSession("old", { absoluteTimeoutSec: 900 }) }),
    at("/strict", [plain], { session: sealed("strict", { onLost: { action: "reject", status: 410 } }) }),
    at("/both", [table], {
      session: sealed("both"),
      hashPolicies: hashOn({ kind: "header", name: "x-user" }),
    }),
    at("/user", [table], { hashPolicies: hashOn({ kind: "header", name: "x-user" }) }),
    at("/pin", [circle], { hashPolicies: hashOn(generated) }),
    at("/address", [table], { hashPolicies: hashOn({ kind: "sourceIp", v4PrefixBits: 24 }) }),
    at("/room", [circle], { hashPolicies: hashOn({ kind: "queryParameter", name: "room" }) }),
    at("/split", [], {
      action: weighted(table, canary),
      splitByHash: true,
      hashPolicies: hashOn({ kind: "header", name: "x-user" }),
    }),
    at("/drawn", [], { action: weighted(plain, canary), session: sealed("drawn") }),
    at("/plain", [plain]),
  ];
  return snapshotOf({ version: phase + 1, backends: [plain, table, circle, canary], rules });
}

const PHASES = [0, 1, 2, 3].map(snapshotIn);
const PATHS = (PHASES[0] as Snapshot).routes.flatMap(({ rules }) => rules.map(({ name }) => `/${name}`));

/** What a request had that a log does not tell. */
interface Sent {
  readonly phase: number;
  readonly peerAddress: string;
  readonly fields: readonly string[];
}

interface Browser {
  readonly peerAddress: string;
  readonly user: string;
  readonly cookies: Map<string, string>;
  home: string | undefined;
}

/** The log, and what each of its requests sent, by request id. */
async function traffic(): Promise<{ lines: AccessLogLine[]; sent: Map<string, Sent> }> {
  const random = seededRandom(11);
  const gateway = new MemoryGateway(PHASES[0] as Snapshot, { trustedProxies: [`${PROXY}/32`] });
  gateway.context.sessionKeys = KEYS;
  const browsers = Array.from({ length: CLIENTS }, (_, number): Browser => {
    const ip = number % 10 === 0 ? PROXY : `192.0.${number % 7}.${number % 250}`;
    return {
      peerAddress: `${ip}:${1024 + number}`,
      user: `user-${number}`,
      cookies: new Map(),
      home: undefined,
    };
  });
  const sent = new Map<string, Sent>();
  const format = parseLogFormat("json");
  const lines: AccessLogLine[] = [];
  let answered = 0;
  for (let count = 0; count < LINES; count++) {
    const phase = Math.floor((count * PHASES.length) / LINES);
    if (count > 0 && phase > Math.floor(((count - 1) * PHASES.length) / LINES))
      gateway.serve(PHASES[phase] as Snapshot);
    gateway.nowMs += Math.floor(random() * 600);
    gateway.randomValue = random();
    const browser = browsers[Math.floor(random() * CLIENTS)] as Browser;
    const path = `${PATHS[Math.floor(random() * PATHS.length)]}?room=${Math.floor(random() * 40)}`;
    const id = `request-${count}`;
    const fields = fieldsOf(browser, id, random);
    const [peerIp = ""] = browser.peerAddress.split(":");
    const stream = gateway.request({
      path,
      fields,
      connection: { peerAddress: browser.peerAddress, peerIp },
    });
    sent.set(id, { phase, peerAddress: browser.peerAddress, fields });
    // The first request that needs a hash table waits for it.
    while (stream.response === undefined && gateway.endpoints.received.length === answered) await settled();
    if (stream.response === undefined) {
      gateway.endpoints.last.answer(200);
      answered = gateway.endpoints.received.length;
    }
    lines.push(JSON.parse(format.line(gateway.log.at(-1) as AccessRecord).toString()));
    remember(browser, stream.responseFields("set-cookie"), stream.responseFields("x-home"));
  }
  return { lines, sent };
}

function fieldsOf({ user, cookies, home, peerAddress }: Browser, id: string, random: () => number): string[] {
  const fields = ["x-request-id", id];
  if (random() < 0.9) fields.push("x-user", user);
  if (cookies.size > 0 && random() < 0.95) {
    fields.push("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
  }
  if (random() < 0.02) fields.push("cookie", "home=nonsense; strict=bm9uc2Vuc2U=");
  if (home !== undefined) fields.push("x-home", home);
  if (peerAddress.startsWith(PROXY)) fields.push("x-forwarded-for", `203.0.113.${user.length * 7}`);
  return fields;
}

function remember(browser: Browser, setCookies: readonly string[], homes: readonly string[]): void {
  for (const line of setCookies) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    browser.cookies.set(name, value);
  }
  browser.home = homes[0] ?? browser.home;
}

function headersOf(fields: readonly string[]): string[] {
  return fields.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${fields[index + 1]}`] : []));
}

describe("an access log that is explained line by line", async () => {
  const { lines, sent } = await traffic();
  const options = { ...DEFAULT_DATAPLANE_OPTIONS, trustedProxies: [`${PROXY}/32`] };
  const explainer = new Explainer({ dataplane: options, portOffset: 0 }, () => 0.5);

  function explained(line: AccessLogLine): Explanation {
    const { phase, peerAddress, fields } = sent.get(line.request_id) as Sent;
    const texts = {
      request: `${line.method} http://${line.host}${line.path}`,
      headers: headersOf(fields),
      client: peerAddress,
      local: "192.0.2.1:80",
      at: line.time,
      refusing: [],
    };
    return explainer.explain(readQuestion(texts, options.maxHeaders), {
      snapshot: PHASES[phase] as Snapshot,
      keys: KEYS,
      nowMs: 0,
    });
  }

  test("gives the logged endpoint, or has it among the candidates where the log itself says that it was drawn", () => {
    const wrong: unknown[] = [];
    const count = { certain: 0, drawn: 0, unanswered: 0 };
    for (const line of lines) {
      const { endpoint: address, candidates, answer, outcome, reason, stages } = explained(line);
      const { affinity, upstream_addr, status, error, listener, route, rule } = line;
      const isDrawn = candidates.length > 0;
      count[isDrawn ? "drawn" : address === null ? "unanswered" : "certain"]++;
      const isRight =
        outcome === affinity?.outcome &&
        stages.listener.name === listener &&
        stages.route?.name === route &&
        stages.rule?.name === rule &&
        (isDrawn
          ? affinity?.source !== "session" && candidates.some(({ endpoint: one }) => one === upstream_addr)
          : address === upstream_addr && reason === affinity?.reason) &&
        (answer === null ? status === 200 : answer.status === status && answer.code === error);
      if (!isRight) wrong.push({ line, address, candidates, outcome, reason, answer });
    }
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(lines).toHaveLength(LINES);
    // Most of it is decided by sessions and hashes, and every kind is there.
    expect(count.certain).toBeGreaterThan(LINES / 2);
    expect(count.drawn).toBeGreaterThan(LINES / 20);
    expect(count.unanswered).toBeGreaterThan(10);
  });

  test("has every outcome of a session and every source in it", () => {
    const outcomes = new Set(lines.map(({ affinity }) => affinity?.outcome));
    const sources = new Set(lines.map(({ affinity }) => affinity?.source));
    expect([...outcomes].filter((one) => one !== null).sort()).toEqual([
      "expired",
      "invalid",
      "kept",
      "moved",
      "new",
      "rejected",
    ]);
    expect([...sources].filter((one) => one !== null).sort()).toEqual(["balance", "hash", "session"]);
  });
});
