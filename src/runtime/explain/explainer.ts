// Explains requests on a snapshot: finds the port, lets the data plane rehearse the request, and has it told in full.
import type { PendingTable } from "../../affinity/decision.ts";
import type { SessionKeys } from "../../affinity/token/session-keys.ts";
import { type BindPoint, bindPoints } from "../../dataplane/bind-points.ts";
import { ClientIdentity } from "../../dataplane/client-identity.ts";
import { SYSTEM_CLOCK } from "../../dataplane/clock.ts";
import type { DataplaneOptions } from "../../dataplane/options.ts";
import { Rehearsal, type Rehearsed } from "../../dataplane/rehearsal.ts";
import { ERRORS, type ErrorCode, reasonPhrase } from "../../dataplane/respond.ts";
import {
  emptyServingPlan,
  type PortPlan,
  type ServingPlan,
  ServingPlanBuild,
} from "../../dataplane/serving-plan.ts";
import { finishInSlices } from "../../dataplane/slices.ts";
import type { ConnectionInfo } from "../../dataplane/stream.ts";
import type { Course, OwnAnswer, SentHead } from "../../inspect/course.ts";
import { explain } from "../../inspect/explain.ts";
import type { Explanation } from "../../inspect/explanation.ts";
import type { Snapshot } from "../../model/index.ts";
import { normalizePath } from "../../routing/path.ts";
import "../linear-expressions.ts";
import { type Arrival, arrive } from "./arrival.ts";
import { type Question, QuestionError, socketAddress } from "./question.ts";

export interface ExplainerOptions {
  readonly dataplane: DataplaneOptions;
  /** The URL of a question has the port that a client reaches: this much above the listener's. */
  readonly portOffset: number;
}

/** What is asked of: it may be another one with every question. */
export interface Asked {
  readonly snapshot: Snapshot;
  readonly keys: SessionKeys | undefined;
  /** Wall clock, milliseconds since 1970, unless the question says otherwise. */
  readonly nowMs: number;
}

const LOOPBACK = "127.0.0.1";

/** Keeps what it made of the last snapshot, for the next question and the next snapshot. */
export class Explainer {
  readonly #options: ExplainerOptions;
  readonly #rehearsal: Rehearsal;
  readonly #identity: ClientIdentity;
  #nowMs = 0;
  #plan: ServingPlan = emptyServingPlan({ wallMs: () => this.#nowMs });

  /** @param random uniform in [0, 1): what it gives decides nothing that is told */
  constructor(options: ExplainerOptions, random: () => number) {
    this.#options = options;
    this.#rehearsal = new Rehearsal(options.dataplane, random);
    this.#identity = new ClientIdentity(options.dataplane);
  }

  /**
   * Makes ready in slices what `explain` would make ready at once, for processes that have something else to do. Rejects
   * with a QuestionError as `explain` throws it.
   */
  async prepare(question: Question, snapshot: Snapshot): Promise<void> {
    if (this.#plan.snapshot !== snapshot) {
      const build = new ServingPlanBuild(snapshot, this.#plan);
      await finishInSlices(build, SYSTEM_CLOCK);
      this.#plan = build.plan as ServingPlan;
    }
    const point = findPoint(snapshot, question, this.#options.portOffset);
    for (const table of unbuiltTables(question, this.#plan.ports.get(point.key))) {
      await finishInSlices(table, SYSTEM_CLOCK);
    }
  }

  /** Throws a QuestionError where the snapshot has no such port. */
  explain(question: Question, { snapshot, keys, nowMs }: Asked): Explanation {
    this.#nowMs = question.atMs ?? nowMs;
    this.#serve(snapshot);
    const point = findPoint(snapshot, question, this.#options.portOffset);
    const connection = connectionOf(question, point);
    const arrival = arrive(question, this.#plan.ports.get(point.key), connection);
    return explain(this.#course(question, snapshot, point, arrival, keys));
  }

  /** Of no use afterwards. */
  close(): void {
    this.#rehearsal.close();
  }

  #serve(snapshot: Snapshot): void {
    if (this.#plan.snapshot === snapshot) return;
    const build = new ServingPlanBuild(snapshot, this.#plan);
    build.step(() => false);
    this.#plan = build.plan as ServingPlan;
  }

  #course(
    question: Question,
    snapshot: Snapshot,
    point: BindPoint,
    arrival: Arrival,
    keys: SessionKeys | undefined,
  ): Course {
    const entrance = {
      bind: point.key,
      listeners: point.listeners,
      routes: snapshot.routes,
      tls: question.scheme === "https",
    };
    const nowSec = Math.floor(this.#nowMs / 1000);
    const unreached = {
      entrance,
      nowSec,
      keys,
      path: undefined,
      match: undefined,
      passed: undefined,
      plan: undefined,
      decision: undefined,
      attempts: [],
      mirrors: [],
      responseFields: [],
    };
    switch (arrival.kind) {
      case "refused":
        return {
          ...unreached,
          head: question.head,
          client: arrival.client(this.#identity),
          answer: arrival.answer,
        };
      case "passed": {
        const { client, decision, plan, head, listener, route, answer } = arrival.decide(
          this.#identity,
          nowSec,
        );
        return { ...unreached, head, client, plan, decision, passed: { listener, route }, answer };
      }
      case "request": {
        const rehearsed = this.#rehearsal.run(arrival.port, {
          head: arrival.head,
          connection: arrival.connection,
          upgrade: arrival.head.upgrade,
          atMs: this.#nowMs,
          keys,
          refusing: question.refusing,
        });
        const { exchange } = rehearsed;
        return {
          ...unreached,
          head: arrival.head,
          path: exchange.target === "" ? undefined : exchange.target,
          client: exchange.client,
          match: exchange.match,
          plan: exchange.plan,
          decision: exchange.decision,
          answer: ownAnswer(rehearsed),
          attempts: rehearsed.attempts.map(sentHead),
          mirrors: rehearsed.mirrors.map(sentHead),
          responseFields: rehearsed.attempts.at(-1)?.refused === false ? rehearsed.response.fields : [],
        };
      }
    }
  }
}

/**
 * The one whose listeners have the port for clients; of several, the one that is asked for by address or by the port that
 * it is bound to, else the first.
 */
function findPoint(snapshot: Snapshot, { port, host, local }: Question, portOffset: number): BindPoint {
  const points = bindPoints(snapshot);
  const candidates = points.filter(({ listeners }) =>
    listeners.some((one) => one.port + portOffset === port),
  );
  const ip = local?.ip ?? host.replace(/^\[(.*)\]$/, "$1");
  const point =
    candidates.find(({ address }) => address === ip) ??
    candidates.find((one) => one.port + portOffset === local?.port) ??
    candidates.find(({ address }) => address === undefined) ??
    candidates[0];
  if (point !== undefined) return point;
  const ports = [...new Set(snapshot.listeners.map((one) => one.port + portOffset))].sort((a, b) => a - b);
  throw new QuestionError(
    ports.length === 0
      ? "there is no listener"
      : `no listener has the port ${port} of the URL; there are ${ports.join(", ")}`,
  );
}

/** Hash tables of the rule that the request seems to be for. */
function unbuiltTables({ head }: Question, port: PortPlan | undefined): PendingTable[] {
  const path = head === undefined ? undefined : normalizePath(head.path);
  if (head === undefined || port === undefined || typeof path !== "string") return [];
  const { rule } = port.router.match(head, path);
  if (rule?.action.kind !== "forward") return [];
  return port.planOf(rule).references.flatMap((reference) => {
    const { backend } = reference;
    if (backend === undefined || backend.serving.endpoints.length === 0) return [];
    return reference.lookupIn(backend).pending ?? [];
  });
}

function connectionOf({ client, local, scheme, port }: Question, point: BindPoint): ConnectionInfo {
  const peerIp = client?.ip ?? LOOPBACK;
  const localIp = local?.ip ?? point.address ?? LOOPBACK;
  const localPort = local?.port ?? port;
  return {
    peerIp,
    peerAddress: socketAddress(peerIp, client?.port ?? 0),
    localAddress: socketAddress(localIp, localPort),
    localPort,
    tls: scheme === "https",
  };
}

/** Undefined: the endpoint answers. */
function ownAnswer({ error, response, attempts, exchange }: Rehearsed): OwnAnswer | undefined {
  const { status, fields } = response;
  if (error !== undefined) {
    const text = Object.hasOwn(ERRORS, error) ? ERRORS[error as ErrorCode].text : reasonPhrase(status);
    const rule = exchange.match?.rule;
    const own = rule?.action.kind === "respond" ? `${text} ${rule.action.reason}` : text;
    return { status, code: error, text: own, fields: [] };
  }
  if (attempts.length > 0) return undefined;
  return { status, code: null, text: `the gateway answers ${status} ${reasonPhrase(status)}`, fields };
}

function sentHead({
  endpoint,
  refused,
  method,
  host,
  path,
  dropped,
  added,
}: Rehearsed["attempts"][number]): SentHead {
  return { endpoint, refused, method, host, path, dropped, added };
}
