// Sessions wander between a real Envoy and Limpet: each writes the same bytes and follows the other's tokens.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Replicas, startReplicas } from "../../src/demo/replicas.ts";
import {
  type ClientAnswer,
  type ClientRequest,
  cookiePair,
  replicasOf,
  send,
  sendMany,
} from "../support/client.ts";
import { copyExample } from "../support/example.ts";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { type EnvoyProcess, startEnvoy } from "./envoy-process.ts";

/** One way to carry a session: an example of ours, and the filter of Envoy that says the same. */
interface SessionCase {
  readonly name: string;
  readonly example: string;
  readonly files: readonly string[];
  readonly envoy: Record<string, unknown>;
  /** The session field of an answer, and the request that brings it back. */
  readonly issued: (answer: ClientAnswer) => string | undefined;
  readonly bringingBack: (issued: string) => ClientRequest;
}

const TYPE = "type.googleapis.com/envoy.extensions.http.stateful_session";

const byCookie = {
  issued: (answer: ClientAnswer) => answer.setCookie[0],
  bringingBack: (issued: string): ClientRequest => ({ headers: { cookie: cookiePair(issued) } }),
};

const byHeader = (name: string) => ({
  issued: (answer: ClientAnswer) => answer.headers[name] as string | undefined,
  bringingBack: (issued: string): ClientRequest => ({ headers: { [name]: issued } }),
});

const SESSIONS: readonly SessionCase[] = [
  {
    name: "Gloo's cookie with a lifetime",
    example: "gloo-stateful-session",
    files: ["backend.yaml", "gateway.yaml", "cookie.yaml"],
    envoy: cookieState({ name: "statefulsessioncookie", path: "/", ttl: "60s" }),
    ...byCookie,
  },
  {
    name: "Gloo's header",
    example: "gloo-stateful-session",
    files: ["backend.yaml", "gateway.yaml", "header.yaml"],
    envoy: {
      session_state: {
        name: "envoy.http.stateful_session.header",
        typed_config: { "@type": `${TYPE}.header.v3.HeaderBasedSessionState`, name: "x-session-id" },
      },
    },
    ...byHeader("x-session-id"),
  },
  {
    name: "a permanent cookie of HTTPRoute",
    example: "kgateway-session-persistence",
    files: ["backend.yaml", "gateway.yaml", "permanent-cookie.yaml"],
    envoy: cookieState({
      name: "Session-A",
      path: "/",
      ttl: "1800s",
      attributes: [{ name: "SameSite", value: "Lax" }],
    }),
    ...byCookie,
  },
];

function cookieState(cookie: Record<string, unknown>): Record<string, unknown> {
  return {
    session_state: {
      name: "envoy.http.stateful_session.cookie",
      typed_config: { "@type": `${TYPE}.cookie.v3.CookieBasedSessionState`, cookie },
    },
  };
}

let replicas: Replicas;
let envoy: EnvoyProcess;
const envoyPorts = new Map<string, number>();

beforeAll(async () => {
  replicas = await startReplicas({ count: 2 });
  for (const { name } of SESSIONS) envoyPorts.set(name, await freePort());
  envoy = await startEnvoy(
    SESSIONS.map(({ name, envoy: session }) => ({
      name,
      port: envoyPorts.get(name) as number,
      endpointPorts: replicas.replicas.map((replica) => replica.port),
      cluster: { lb_policy: "ROUND_ROBIN" },
      session,
    })),
  );
}, 120_000);

afterAll(async () => {
  await envoy?.stop();
  await replicas?.stop();
});

describe.each(SESSIONS)("$name", (session) => {
  test("both write the same bytes, and each brings home a client of the other", async () => {
    const limpetPort = await freePort();
    const envoyPort = envoyPorts.get(session.name) as number;
    const files = copyExample(session.example, session.files, {
      gateway: limpetPort,
      replicas: replicas.replicas.map((replica) => replica.port),
    });
    const gateway = await startGateway({ paths: [files.folder] });
    try {
      const ours = await tokenOfEachReplica(limpetPort, session);
      const theirs = await tokenOfEachReplica(envoyPort, session);
      for (const { name } of replicas.replicas) {
        expect(withoutTime(ours.get(name))).toEqual(withoutTime(theirs.get(name)));
        for (const token of [ours.get(name), theirs.get(name)] as string[]) {
          const back = session.bringingBack(token);
          expect(replicasOf(await sendMany(limpetPort, 4, back)), "Limpet follows").toEqual([name]);
          expect(replicasOf(await sendMany(envoyPort, 4, back)), "Envoy follows").toEqual([name]);
        }
      }
    } finally {
      await gateway.stop();
      files.dispose();
    }
  });
});

/** New sessions until each of the two replicas has given one. */
async function tokenOfEachReplica(port: number, session: SessionCase): Promise<Map<string, string>> {
  const tokens = new Map<string, string>();
  for (let count = 0; count < 60 && tokens.size < 2; count++) {
    const answer = await send(port);
    tokens.set(answer.replica as string, session.issued(answer) as string);
  }
  expect(tokens.size).toBe(2);
  return tokens;
}

/** The token of a cookie with a lifetime ends with the second of its issue: four bytes of a varint may differ. */
function withoutTime(field: string | undefined): string | undefined {
  return field?.replace(/="([^"]*)"/, (_, token: string) => {
    const bytes = Buffer.from(token, "base64").toString("latin1");
    const expires = bytes.indexOf("\x10");
    return `="${expires === -1 ? bytes : `${bytes.slice(0, expires + 1)} and ${bytes.length - expires - 1} bytes`}"`;
  });
}
