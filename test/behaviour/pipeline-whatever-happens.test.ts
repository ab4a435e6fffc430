// Whatever client, endpoints, mirrors and clocks do, in any order: an exchange ends once, and leaves nothing behind.
import fc from "fast-check";
import { expect, test } from "vitest";
import { ProxyError } from "../../src/dataplane/proxy-error.ts";
import type { Filter, Retry, Rule } from "../../src/model/index.ts";
import { MemoryGateway, settled } from "../support/memory-gateway.ts";
import type { MemoryClientStream, MemoryServerStream } from "../support/memory-protocol.ts";
import { backend, cookieSession, endpoint, forwardRule, snapshotOf } from "../support/snapshots.ts";

const WEB = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];
const shadow = backend("shadow", [endpoint("10.0.0.8:80")]);

const retry: fc.Arbitrary<Retry> = fc.record({
  attempts: fc.integer({ min: 1, max: 3 }),
  statusCodes: fc.constantFrom([503], [500, 503], []),
  onConnectionError: fc.boolean(),
  onTimeout: fc.boolean(),
  baseBackoffMs: fc.constantFrom(0, 20),
  maxBackoffMs: fc.constant(200),
  minBackoffMs: fc.constantFrom(0, 20),
});

const mirror: Filter = { kind: "mirror", backend: shadow.id, numerator: 1, denominator: 1 };

const rule: fc.Arbitrary<Partial<Rule>> = fc
  .record({
    retry: fc.option(retry, { nil: undefined }),
    timeouts: fc.constantFrom(
      undefined,
      { requestMs: 150 },
      { backendRequestMs: 40 },
      { requestMs: 150, backendRequestMs: 40 },
    ),
    session: fc.constantFrom(
      undefined,
      cookieSession("home"),
      cookieSession("home", { onLost: { action: "reject", status: 503 } }),
    ),
    filters: fc.constantFrom<Filter[]>([], [mirror], [mirror, mirror]),
  })
  .map((parts) => Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)));

const limits = fc.constantFrom(
  {},
  { limits: { maxRetries: 1 } },
  {
    retryBudget: { percent: 20, intervalMs: 10_000, minimum: { count: 1, intervalMs: 1_000 } },
  },
);

const ERRORS = [
  new ProxyError("connect-failed", "upstream", "test", { retry: "yes" }),
  new ProxyError("upstream-closed", "upstream", "test", { retry: "unanswered" }),
  new ProxyError("upstream-closed", "upstream", "test"),
  new ProxyError("upstream-timeout", "upstream", "test"),
  new ProxyError("upstream-protocol", "upstream", "test"),
];

/** What can happen next, as far as it makes sense at that moment. */
type Step =
  | { readonly who: "client"; readonly does: "send" | "end" | "leave" | "slow" | "take" }
  | {
      readonly who: "endpoint";
      readonly which: number;
      readonly does: "inform" | "head" | "data" | "end" | "fail" | "slow" | "take";
      readonly status: number;
      readonly error: number;
    }
  | { readonly who: "clock"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      who: fc.constant("client" as const),
      does: fc.constantFrom("send", "send", "send", "send", "end", "leave", "slow", "take"),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      who: fc.constant("endpoint" as const),
      which: fc.nat(3),
      does: fc.constantFrom("inform", "head", "head", "data", "end", "fail", "fail", "slow", "take"),
      status: fc.constantFrom(200, 500, 503),
      error: fc.nat(ERRORS.length - 1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ who: fc.constant("clock" as const), ms: fc.integer({ min: 1, max: 60 }) }),
  },
) as fc.Arbitrary<Step>;

/** Keeps the rules of a protocol, so that only sequences happen that a codec can bring about. */
class Play {
  readonly gateway: MemoryGateway;
  readonly client: MemoryServerStream;
  sent = "";
  #clientDone: boolean;
  readonly #heads = new Set<MemoryClientStream>();
  readonly #over = new Set<MemoryClientStream>();

  constructor(gateway: MemoryGateway, hasBody: boolean) {
    this.gateway = gateway;
    this.client = gateway.request({ method: hasBody ? "POST" : "GET", bodyLength: hasBody ? -1 : 0 });
    this.#clientDone = !hasBody;
  }

  do(next: Step): void {
    if (next.who === "clock") this.gateway.pass(next.ms);
    else if (next.who === "client") this.#client(next.does);
    else {
      const alive = this.gateway.endpoints.received.filter((one) => !one.aborted && !this.#over.has(one));
      const stream = alive[next.which % Math.max(1, alive.length)];
      if (stream !== undefined) this.#endpoint(stream, next);
    }
  }

  #client(does: string): void {
    const { client } = this;
    if (does === "slow") client.body.slow = true;
    else if (does === "take" && client.response !== undefined && !client.body.ended) client.takeMore();
    else if (does === "leave" && this.gateway.log.length === 0) client.disappear();
    else if (!this.#clientDone && does === "send") {
      const text = `${this.sent.length};`.padStart(4);
      this.sent += text;
      client.send(text);
    } else if (!this.#clientDone && does === "end") {
      this.#clientDone = true;
      client.sendEnd();
    }
  }

  #endpoint(stream: MemoryClientStream, next: Extract<Step, { who: "endpoint" }>): void {
    const hasHead = this.#heads.has(stream);
    switch (next.does) {
      case "inform":
        if (!hasHead) stream.inform(103);
        break;
      case "head":
        if (!hasHead) stream.answerHead(next.status, [], -1);
        this.#heads.add(stream);
        break;
      case "data":
        if (hasHead) stream.answerData("x");
        break;
      case "end":
        if (!hasHead) return;
        this.#over.add(stream);
        stream.answerEnd();
        break;
      case "fail":
        // What would be refused after a head is a connection that was lost.
        this.#over.add(stream);
        stream.fail(ERRORS[hasHead ? 2 : next.error] as ProxyError);
        break;
      case "slow":
        stream.body.slow = true;
        break;
      case "take":
        stream.takeMore();
        break;
    }
  }

  /** Nobody does anything any more, and time goes by. */
  async finish(): Promise<void> {
    await settled();
    if (this.gateway.log.length === 0) this.client.disappear();
    // At once, not only when time has gone by and endpoints have hung up.
    expect(this.gateway.alarms.count).toBe(0);
    const waiting = this.gateway.endpoints.received.filter(
      (stream) => !stream.body.ended && !stream.aborted && !this.#over.has(stream),
    );
    expect(waiting).toEqual([]);
    for (const stream of this.gateway.endpoints.received) {
      if (!stream.aborted && !this.#over.has(stream)) stream.fail(ERRORS[2] as ProxyError);
    }
    this.gateway.pass(60_000);
    await settled();
  }
}

test("an exchange ends once and leaves nothing behind", async () => {
  await fc.assert(
    fc.asyncProperty(
      rule,
      limits,
      fc.boolean(),
      fc.array(step, { minLength: 1, maxLength: 30 }),
      fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { minLength: 1, maxLength: 5 }),
      async (parts, limited, hasBody, steps, randomValues) => {
        const web = backend(
          "web",
          WEB.map((address) => endpoint(address)),
          limited,
        );
        const snapshot = snapshotOf({ backends: [web, shadow], rules: [forwardRule([web], parts)] });
        const gateway = new MemoryGateway(snapshot, { retryBufferSize: 5 });
        gateway.randomValue = randomValues[0] as number;
        const play = new Play(gateway, hasBody);
        for (const [index, next] of steps.entries()) {
          gateway.randomValue = randomValues[index % randomValues.length] as number;
          play.do(next);
          if (index % 3 === 0) await settled();
          expect(gateway.log.length).toBeLessThanOrEqual(1);
        }
        await play.finish();
        expect(gateway.log).toHaveLength(1);
        expect(gateway.defects).toEqual([]);
        expect({
          active: gateway.active,
          mirrors: gateway.traffic.mirrorsInFlight,
          requests: gateway.sample("limpet_requests_in_flight"),
          kept: gateway.keptBytes.held,
          alarms: gateway.alarms.count,
        }).toEqual({ active: 0, mirrors: 0, requests: 0, kept: 0, alarms: 0 });
        // Nobody ever gets anything but the body from its beginning, without a gap.
        for (const { body } of gateway.endpoints.received) {
          expect(play.sent.startsWith(body.text)).toBe(true);
          if (body.ended && hasBody) expect(body.text).toBe(play.sent);
        }
        const attempts = gateway.endpoints.received.filter(({ endpoint: one }) => WEB.includes(one.address));
        expect(attempts.length).toBeLessThanOrEqual(1 + 1 + (parts.retry?.attempts ?? 1));
      },
    ),
    { numRuns: 600 },
  );
});
