// The real httpbin, which takes its time where it is asked to: what passes while it does, and what rules say when it takes too long.
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { curl } from "../support/curl.ts";
import { eventually } from "../support/eventually.ts";
import { type HttpbinStage, startHttpbinStage } from "./httpbin-stage.ts";

const TIMED = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: timed}
spec:
  parentRefs: [{name: edge}]
  hostnames: [timed.example]
  rules:
    - timeouts: {request: 400ms}
      backendRefs: [{name: sample, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: tried-again}
spec:
  parentRefs: [{name: edge}]
  hostnames: [again.example]
  rules:
    - timeouts: {backendRequest: 300ms}
      retry: {attempts: 1, backoff: 10ms, codes: [502]}
      backendRefs: [{name: sample, port: 80}]
`;

let stage: HttpbinStage;

beforeAll(async () => {
  stage = await startHttpbinStage({ "timed.yaml": TIMED });
});

afterAll(() => stage.stop());

const url = (path: string): string => `http://127.0.0.1:${stage.port}${path}`;

/** When the head and each piece of the body came, in milliseconds from the request on. */
function arrivals(path: string): Promise<{ headMs: number; piecesMs: number[]; body: string }> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const outgoing = request({ host: "127.0.0.1", port: stage.port, path }, (response) => {
      const headMs = performance.now() - startMs;
      const piecesMs: number[] = [];
      let body = "";
      response.setEncoding("latin1").on("data", (text: string) => {
        piecesMs.push(performance.now() - startMs);
        body += text;
      });
      response.on("end", () => resolve({ headMs, piecesMs, body }));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

describe("without timeouts", () => {
  test("an answer that comes late comes", async () => {
    const answer = await curl([url("/delay/1")], { report: "time_total" });
    expect(answer.status).toBe(200);
    expect(Number(answer.reported[0])).toBeGreaterThanOrEqual(1);
  });

  test("what drips arrives as it drips, not when all of it is there", async () => {
    // Again where this process stood still meanwhile, and found all of it at once.
    const { body } = await eventually(
      () => arrivals("/drip?numbytes=5&duration=1.25&delay=0"),
      ({ headMs, piecesMs }) => piecesMs.length >= 4 && (piecesMs.at(-1) ?? 0) - headMs > 600,
    );
    expect(body).toBe("*****");
  });

  test("an answer of another status may be late and drip too", async () => {
    const answer = await curl([url("/drip?numbytes=2&duration=0.2&delay=0.3&code=418")]);
    expect([answer.status, answer.body]).toEqual([418, "**"]);
  });
});

describe("a rule's timeouts", () => {
  test("end a request that takes longer with 504, and not before", async () => {
    const answer = await curl(["-H", "host: timed.example", url("/delay/3")], { report: "time_total" });
    expect([answer.status, answer.body]).toEqual([504, expect.stringContaining("exchange-timeout")]);
    expect(Number(answer.reported[0])).toBeGreaterThanOrEqual(0.4);
    // The endpoint's own answer would have come then.
    expect(Number(answer.reported[0])).toBeLessThan(3);
    await eventually(
      () => curl(["-H", "host: timed.example", url("/delay/0")]),
      ({ status }) => status === 200,
    );
  });

  test("cut off what has begun, so that curl sees that something is missing", async () => {
    const dripping = url("/drip?numbytes=6&duration=3&delay=0");
    // Where the endpoint stands still it may not even begin in time.
    const answer = await eventually(
      () => curl(["-H", "host: timed.example", dripping]),
      ({ status }) => status === 200,
    );
    expect(answer.body.length).toBeLessThan(6);
    // 18: a partial file.
    expect(answer.exitCode).toBe(18);
  });

  test("for an attempt leave time for another one", async () => {
    const answer = await curl(["-H", "host: again.example", url("/delay/2")], { report: "time_total" });
    expect([answer.status, answer.body]).toEqual([504, expect.stringContaining("attempt-timeout")]);
    expect(Number(answer.reported[0])).toBeGreaterThanOrEqual(0.6);
    const line = await stage.gateway.waitForAccess(({ host }) => host === "again.example");
    expect(line.error).toBe("attempt-timeout");
    const seen = () => stage.httpbin.served().filter((one) => one.includes("/delay/2"));
    // It writes them down when it is done with them.
    expect(
      await eventually(
        async () => seen(),
        (lines) => lines.length >= 2,
      ),
    ).toHaveLength(2);
  });
});
