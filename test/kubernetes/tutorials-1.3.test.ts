// The tutorials of the time of Gateway API 1.3, typed in as they say: kgateway's hashing and sessions, Istio's hashing.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { httpbin } from "./tutorial-applications.ts";
import { homeOf, served, TutorialStage } from "./tutorial-stage.ts";

let stage: TutorialStage;

beforeAll(async () => {
  stage = await TutorialStage.open({
    tutorials: ["kgateway-consistent-hashing", "kgateway-session-persistence", "istio-consistent-hash"],
    gatewayApi: "1.3.0",
    classes: ["kgateway", "istio"],
  });
}, 600_000);

afterAll(() => stage?.close());

describe("kgateway", () => {
  const LOGS = { namespace: "httpbin", app: "httpbin", text: '"GET /headers' };
  let address: string;

  /** With these arguments, ten times. */
  const ask = (args = "") =>
    `for i in {1..10}; do curl -sSfi ${args} -k http://${address}:8080/headers -H "host: www.example.com:8080" >/dev/null || exit; done`;

  beforeAll(async () => {
    await stage.prepare(["kgateway-system", "httpbin"], httpbin("httpbin"));
    await stage.apply("kgateway-consistent-hashing", "gateway.yaml");
    address = await stage.address("http", "kgateway-system");
    await stage.shell(`
      kubectl scale deployment httpbin -n httpbin --replicas=2
      kubectl rollout status deployment httpbin -n httpbin --timeout=120s`);
  });

  test("without a policy both pods are asked", async () => {
    expect((await served(stage, LOGS, 30, `${ask()}; ${ask()}; ${ask()}`)).size).toBe(2);
  });

  const POLICIES: Readonly<Record<string, readonly string[]>> = {
    header: ['-H "x-user-id: alice"', '-H "x-user-id: bob"', '-H "x-user-id: carol"'],
    cookie: ["-b jar-1 -c jar-1", "-b jar-2 -c jar-2", "-b jar-3 -c jar-3"],
    "source-ip": [""],
    fallback: ['-H "x-user-id: alice"', "-b session_id=one", ""],
  };

  test.each(
    ["ringhash", "maglev"].flatMap((table) => Object.keys(POLICIES).map((keys) => [table, keys] as const)),
  )("%s over %s: ten requests of one client are in the log of one pod", async (table, keys) => {
    await stage.apply("kgateway-consistent-hashing", `${table}-${keys}.yaml`);
    await stage.accepted("backendconfigpolicy", "httpbin-hash", "httpbin");
    await stage.shell("rm -f jar-*");
    for (const client of POLICIES[keys] ?? []) await homeOf(stage, LOGS, ask(client));
    if (keys !== "cookie") return;
    expect(await stage.shell("grep -c session_id jar-1")).toBe("1");
  });

  describe("sessions", () => {
    beforeAll(() => stage.shell("kubectl delete BackendConfigPolicy httpbin-hash -n httpbin"));

    test("a permanent cookie keeps its pod, also when the gateway was restarted", {
      timeout: 180_000,
    }, async () => {
      await stage.apply("kgateway-session-persistence", "permanent-cookie.yaml");
      await stage.accepted("httproute", "httpbin", "httpbin");
      const cookie = /^set-cookie: Session-A=\S+; Max-Age=1800; Path=\/; SameSite=Lax; HttpOnly\r$/m;
      await stage.eventually(
        `curl -i -c cookie-jar -k http://${address}:8080/headers -H "host: www.example.com:8080"`,
        (answer) => /^HTTP\/1.1 200 OK/.test(answer) && cookie.test(answer),
      );
      const home = await homeOf(stage, LOGS, ask("-b cookie-jar"));
      const pods = await stage.shell("kubectl get pods -n limpet-system -o name");
      await stage.shell(`
        kubectl rollout restart deploy/limpet -n limpet-system
        kubectl rollout status deploy/limpet -n limpet-system --timeout=120s
        kubectl wait --for=delete -n limpet-system ${pods.replaceAll("\n", " ")} --timeout=120s`);
      expect(await homeOf(stage, LOGS, ask("-b cookie-jar"))).toBe(home);
    });

    test("two paths have a session each: a cookie, and a header", async () => {
      await stage.apply("kgateway-session-persistence", "two-paths.yaml");
      await stage.accepted("httproute", "httpbin", "httpbin");
      const get = (path: string, args = "") =>
        `curl -si ${args} http://${address}:8080${path} -H "host: www.example.com:8080"`;
      const cookie = /^set-cookie: Session-A=\S+; Max-Age=10; Path=\/; SameSite=Lax; HttpOnly\r$/m;
      await stage.eventually(`rm -f jar; ${get("/path-A", "-c jar")}`, (answer) => cookie.test(answer));
      const ten = (request: string) => `for i in {1..10}; do ${request} >/dev/null; done`;
      await homeOf(stage, { ...LOGS, text: '"GET /path-A' }, ten(get("/path-A", "-b jar -c jar")));
      const answer = await stage.eventually(get("/path-B"), (printed) => /^session-b:/m.test(printed));
      const [, header = ""] = /^session-b: (\S+)\r$/m.exec(answer) ?? [];
      await homeOf(
        stage,
        { ...LOGS, text: '"GET /path-B' },
        ten(get("/path-B", `-H "Session-B: ${header}"`)),
      );
    });

    test("cleaned up as the tutorial says, there is no session any more", async () => {
      await stage.apply("kgateway-consistent-hashing", "gateway.yaml");
      await stage.shell("kubectl scale deployment httpbin -n httpbin --replicas=1");
      await stage.accepted("httproute", "httpbin", "httpbin");
      await stage.eventually(
        `curl -si http://${address}:8080/headers -H "host: www.example.com:8080"`,
        (answer) => /^HTTP\/1.1 200 OK/.test(answer) && !/^(set-cookie|session-b):/im.test(answer),
      );
    });
  });
});

describe("Istio", () => {
  const LOGS = { namespace: "default", app: "httpbin", text: '"GET /status/333' };
  let address: string;

  const ask = (args = "", query = "") =>
    `for i in {1..10}; do curl -sSi ${args} "http://${address}:8080/status/333${query}" >/dev/null || exit; done`;

  /** `upstream_addr` of all lines of the gateway's logs with this path, without repetition. */
  const upstreams = async (path: string): Promise<readonly string[]> => {
    const logs = await stage.shell(
      "kubectl logs -n limpet-system -l app.kubernetes.io/name=limpet --tail=-1",
    );
    const lines = logs.split("\n").filter((line) => line.includes(`"path":"${path}"`));
    const addresses = lines.map((line) => (JSON.parse(line) as { upstream_addr: string }).upstream_addr);
    return [...new Set(addresses)];
  };

  beforeAll(async () => {
    await stage.prepare(["istio-system", "default"], httpbin("default", "docker.io/kong/httpbin"));
    await stage.apply("istio-consistent-hash", "gateway.yaml");
    address = await stage.address("ingressgateway", "istio-system");
    await stage.shell(`
      kubectl scale deployment/httpbin --replicas 3
      kubectl rollout status deployment/httpbin --timeout=120s`);
  });

  test("without a rule all three pods are asked, as the log of the gateway says", async () => {
    await stage.shell(`for i in {1..40}; do curl -s http://${address}:8080/status/418; done`);
    expect(await upstreams("/status/418")).toHaveLength(3);
  });

  test.each([
    ["cookie.yaml", "-b jar -c jar", ""],
    ["maglev-cookie.yaml", "-b jar -c jar", ""],
    ["header.yaml", '-H "x-user: alice"', ""],
    ["query.yaml", "", "?room=blue"],
    ["source-ip.yaml", "", ""],
  ])("%s: ten requests of one client are in the log of one pod", async (file, args, query) => {
    await stage.apply("istio-consistent-hash", file);
    await stage.shell("rm -f jar");
    await homeOf(stage, LOGS, ask(args, query));
    if (args === "-b jar -c jar") expect(await stage.shell("grep -c sticky-session-key jar")).toBe("1");
  });
});
