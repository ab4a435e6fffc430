// How a client's connection comes in at a port: as a request, passed through by its server name, or not at all.
import { isIP } from "node:net";
import { decide } from "../../affinity/decide.ts";
import type { Client, Decision } from "../../affinity/decision.ts";
import type { RulePlan } from "../../affinity/plan.ts";
import type { ClientIdentity } from "../../dataplane/client-identity.ts";
import type { Http1RequestHead } from "../../dataplane/http1/request-head.ts";
import { PlainRequestHead } from "../../dataplane/plain-head.ts";
import { answerForCode, answerForFailure, type LocalAnswer } from "../../dataplane/respond.ts";
import { EMPTY_PORT_PLAN, type PortPlan } from "../../dataplane/serving-plan.ts";
import type { ConnectionInfo, TlsHandshake } from "../../dataplane/stream.ts";
import { findTlsRoute, type PassDoorway, type TerminateDoorway } from "../../dataplane/tls/tls-gate.ts";
import type { OwnAnswer } from "../../inspect/course.ts";
import type { Listener, RequestHead, TlsRoute } from "../../model/index.ts";
import type { Question } from "./question.ts";

export interface PassedThrough {
  readonly head: RequestHead;
  readonly client: Client;
  readonly listener: Listener;
  readonly route: TlsRoute | undefined;
  readonly plan: RulePlan | undefined;
  readonly decision: Decision | undefined;
  readonly answer: OwnAnswer | undefined;
}

export type Arrival =
  | {
      readonly kind: "request";
      readonly head: Http1RequestHead;
      readonly port: PortPlan;
      readonly connection: ConnectionInfo;
    }
  | { readonly kind: "refused"; readonly answer: OwnAnswer; client(identity: ClientIdentity): Client }
  | { readonly kind: "passed"; decide(identity: ClientIdentity, nowSec: number): PassedThrough };

/** What a connection has of a request before there is one, or where nobody decrypts it. */
const NO_REQUEST = new PlainRequestHead("", "", "/", []);

/** `connection`: without a handshake, which is made here. */
export function arrive(
  question: Question,
  port: PortPlan = EMPTY_PORT_PLAN,
  connection: ConnectionInfo,
): Arrival {
  const { gate } = port;
  if (!connection.tls) {
    if (gate !== undefined)
      return refused(connection, null, "not-tls", "The port speaks TLS: the connection is closed.");
    return request(question, port, connection);
  }
  if (gate === undefined) {
    return refused(
      connection,
      400,
      "bad-request",
      "The port speaks no TLS, and a ClientHello is no request.",
    );
  }
  // Clients name no address in their ClientHello (RFC 6066, section 3).
  const serverName = isIP(question.host.replace(/^\[(.*)\]$/, "$1")) === 0 ? question.host : undefined;
  const doorway = gate.find(serverName);
  if (doorway === undefined) {
    const text = "No listener of the port has the server name: the handshake is refused.";
    return refused(connection, null, "unknown-name", text);
  }
  if (doorway.kind === "pass") return passed(doorway, serverName, connection);
  let handshake: TlsHandshake;
  try {
    handshake = shakeHands(doorway, serverName);
  } catch (cause) {
    const text = `The listener's certificate cannot be used: ${(cause as Error).message}`;
    return refused(connection, null, "configuration", text);
  }
  const secured = { ...connection, handshake };
  if (doorway.passes !== undefined) return passed(doorway.passes, serverName, secured);
  return request(question, port, secured);
}

function request({ head, refusal }: Question, port: PortPlan, connection: ConnectionInfo): Arrival {
  if (head !== undefined) return { kind: "request", head, port, connection };
  const { status = null, code = "bad-request", text = "" } = refusal ?? {};
  return refused(connection, status, code, `The request is refused: ${text}.`);
}

function refused(connection: ConnectionInfo, status: number | null, code: string, text: string): Arrival {
  const answer = { status, code, text, fields: [] };
  return { kind: "refused", answer, client: (identity) => identity.identify(connection, NO_REQUEST) };
}

/** As by a client that speaks the newest version. */
function shakeHands(
  { listener, terminator }: TerminateDoorway,
  serverName: string | undefined,
): TlsHandshake {
  const shown = terminator.forName(serverName);
  return {
    serverName,
    listener: listener.id,
    version: "TLSv1.3",
    resumed: false,
    covers: (host) => shown.covers(host),
  };
}

function passed(
  { listener, routes }: PassDoorway,
  serverName: string | undefined,
  connection: ConnectionInfo,
): Arrival {
  return {
    kind: "passed",
    decide: (identity, nowSec) => {
      const client = identity.identify(connection, NO_REQUEST);
      const found = findTlsRoute(routes, serverName);
      const base = { head: NO_REQUEST, client, listener, route: found?.route };
      if (found === undefined) {
        return { ...base, plan: undefined, decision: undefined, answer: closed(answerForCode("no-route")) };
      }
      const { plan } = found;
      // Any number will do: what is drawn is told with all that it might have been.
      const options = { nowSec, random: () => 0.5 };
      let decision = decide(plan, NO_REQUEST, client, options);
      while (decision.pending !== undefined) {
        decision.pending.step(() => false);
        decision = decide(plan, NO_REQUEST, client, options);
      }
      const { failure } = decision;
      return { ...base, plan, decision, answer: failure && closed(answerForFailure(failure)) };
    },
  };
}

/** What is not decrypted gets an alert in place of a status. */
function closed({ code, text }: LocalAnswer): OwnAnswer {
  return { status: null, code, text, fields: [] };
}
