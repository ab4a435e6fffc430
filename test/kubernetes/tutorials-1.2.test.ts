// The tutorials of the time of Gateway API 1.2, typed in as they say: Gloo's stateful sessions, Envoy Gateway's persistence.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { playCookie, playHeader } from "./envoy-gateway-shell.ts";
import { echo, httpbin } from "./tutorial-applications.ts";
import { homeOf, served, TutorialStage } from "./tutorial-stage.ts";

let stage: TutorialStage;

beforeAll(async () => {
  stage = await TutorialStage.open({
    tutorials: ["gloo-stateful-session", "envoy-gateway-session-persistence"],
    gatewayApi: "1.2.1",
    classes: ["gloo-gateway", "eg"],
  });
}, 600_000);

afterAll(() => stage?.close());

describe("Gloo", () => {
  const LOGS = { namespace: "httpbin", app: "httpbin", text: '"GET /headers' };
  let address: string;

  const get = (args: string) =>
    `curl -si ${args} -k http://${address}:8080/headers -H "host: www.example.com:8080"`;
  const ten = (args: string) => `for i in {1..10}; do ${get(args)} >/dev/null; done`;

  beforeAll(async () => {
    await stage.prepare(["gloo-system", "httpbin"], httpbin("httpbin"));
    await stage.apply("gloo-stateful-session", "gateway.yaml");
    address = await stage.address("http", "gloo-system");
    await stage.shell(`
      kubectl scale deployment httpbin -n httpbin --replicas=2
      kubectl rollout status deployment httpbin -n httpbin --timeout=120s`);
  });

  test("without an option there is no session", async () => {
    expect((await served(stage, LOGS, 30, `${ten("")}; ${ten("")}; ${ten("")}`)).size).toBe(2);
  });

  test("a header names the pod, and shows nobody its address", async () => {
    // As the tutorial has it, with a namespace in the reference.
    await stage.applyText(`
apiVersion: gateway.solo.io/v1
kind: HttpListenerOption
metadata: {name: session, namespace: gloo-system}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: http, namespace: gloo-system}]
  options: {statefulSession: {headerBased: {headerName: x-session-id}}}
`);
    const answer = await stage.eventually(get(""), (printed) => /^x-session-id:/m.test(printed));
    const [, session = ""] = /^x-session-id: (\S+)\r$/m.exec(answer) ?? [];
    await homeOf(stage, LOGS, ten(`-H "x-session-id: ${session}"`));
    const decoded = await stage.shell(
      `echo "${session}" | tr '_-' '/+' | base64 -d 2>/dev/null | tr -d '\\0' || true`,
    );
    const ips = await stage.shell("kubectl get pods -n httpbin -o jsonpath='{.items[*].status.podIP}'");
    for (const ip of ips.split(" ")) expect(decoded).not.toContain(ip);
  });

  test("a cookie of a minute keeps its pod", async () => {
    await stage.apply("gloo-stateful-session", "cookie.yaml");
    const answer = await stage.eventually(get("-c cookie-jar"), (printed) => /^set-cookie:/m.test(printed));
    expect(answer).toMatch(/^set-cookie: statefulsessioncookie="[^"]+"; Max-Age=60; Path=\/; HttpOnly\r$/m);
    expect(answer).not.toMatch(/^x-session-id:/m);
    await homeOf(stage, LOGS, ten("-b cookie-jar"));
  });

  test("strict: once its pod is gone a session is refused, and not moved", async () => {
    await stage.apply("gloo-stateful-session", "strict-cookie.yaml");
    await stage.shell(get("-c cookie-jar"));
    const home = await homeOf(stage, LOGS, ten("-b cookie-jar"));
    await stage.shell(`kubectl delete pod -n httpbin ${home} --grace-period=1`);
    const ask = get("-b cookie-jar -o /dev/null -w '%{http_code}'");
    // A replica that has not heard of it yet gets no connection: also then nobody else answers.
    const seen: string[] = [];
    await stage.eventually(ask, (status) => seen.push(status) > 0 && status === "503");
    await stage.shell("kubectl rollout status deployment httpbin -n httpbin --timeout=120s");
    for (let count = 0; count < 10; count++) seen.push(await stage.shell(ask));
    expect(seen.slice(-10)).toEqual(new Array(10).fill("503"));
    expect(seen).not.toContain("200");
  });

  test("cleaned up as the tutorial says, there is no session any more", async () => {
    await stage.shell("kubectl delete httplisteneroption session -n gloo-system");
    await stage.eventually(get(""), (answer) => !/^set-cookie:/m.test(answer));
  });
});

describe("Envoy Gateway", () => {
  const LOGS = { namespace: "default", app: "backend", text: "/get" };
  let address: string;

  const distinct = (lines: readonly string[]) => new Set(lines).size;

  beforeAll(async () => {
    await stage.prepare(["default"], echo("default"));
    await stage.apply("envoy-gateway-session-persistence", "gateway.yaml");
    address = `${await stage.address("eg", "default")}:8080`;
    await stage.shell(`
      kubectl patch deployment backend -n default -p '{"spec": {"replicas": 4}}'
      kubectl rollout status deployment backend --timeout=120s`);
  });

  test("cookie: all responses are from the same pod, and of others once it has expired", async () => {
    await stage.apply("envoy-gateway-session-persistence", "cookie.yaml");
    await stage.accepted("httproute", "cookie", "default");
    const { during, after } = await playCookie(stage, address);
    expect(during).toHaveLength(5);
    expect(during[0]).toMatch(/"pod": "backend-\w+-\w+"/);
    expect(distinct(during)).toBe(1);
    expect(after).toHaveLength(30);
    expect(distinct(after)).toBeGreaterThan(1);
  });

  test("header: all responses are from the same pod, and of others without it", async () => {
    await stage.shell("kubectl delete httproute cookie");
    await stage.apply("envoy-gateway-session-persistence", "header.yaml");
    await stage.accepted("httproute", "header", "default");
    const { during, after } = await playHeader(stage, address);
    expect(during).toHaveLength(5);
    expect(distinct(during)).toBe(1);
    expect(after).toHaveLength(30);
    expect(distinct(after)).toBeGreaterThan(1);
  });

  test("ten requests with the header are in the log of one pod", async () => {
    const header = `$(curl -si http://${address}/get | grep session-a | awk '{print $2}')`;
    const ten = `HEADER=${header}; for i in {1..10}; do curl -s -H "Session-A: $HEADER" http://${address}/get >/dev/null; done`;
    // The first one, which began the session, is in the same log or in another.
    const counts = await served(stage, LOGS, 11, ten);
    expect([...counts.values()].sort()).toEqual([11]);
  });

  test("and so are those with the cookie, of httpbin in place of the echo", async () => {
    await stage.shell(`
      kubectl delete httproute header
      kubectl set image deployment backend backend=docker.io/kong/httpbin:0.2.3
      kubectl rollout status deployment backend --timeout=120s`);
    await stage.apply("envoy-gateway-session-persistence", "cookie.yaml");
    await stage.accepted("httproute", "cookie", "default");
    const ask = `curl -s -b jar -c jar http://${address}/get >/dev/null`;
    const eleven = `rm -f jar; ${ask}; for i in {1..10}; do ${ask}; done`;
    await homeOf(stage, { ...LOGS, text: '"GET /get' }, eleven, 11);
  });

  test("Envoy Gateway's own hashing: ten requests of one user are in the log of one pod", async () => {
    await stage.shell("kubectl delete httproute cookie");
    await stage.apply("envoy-gateway-session-persistence", "consistent-hash.yaml");
    await stage.accepted("backendtrafficpolicy", "hash", "default");
    for (const user of ["alice", "bob"]) {
      await homeOf(
        stage,
        LOGS,
        `for i in {1..10}; do curl -s -H "x-user: ${user}" http://${address}/get >/dev/null; done`,
      );
    }
  });
});
