// A world for random histories: endpoints that come and go, replicas with keys, clients with tokens, and what must hold.
import { expect } from "vitest";
import type { BackendStates } from "../../src/affinity/backend-states.ts";
import { decide, sessionFields } from "../../src/affinity/decide.ts";
import type { Decision, EndpointState } from "../../src/affinity/decision.ts";
import { planRule } from "../../src/affinity/plan.ts";
import { idleSlackSec } from "../../src/affinity/session-times.ts";
import type { SessionKeys } from "../../src/affinity/token/session-keys.ts";
import { readToken } from "../../src/affinity/token/session-token.ts";
import type { Backend, Endpoint, EndpointHealth, SessionPersistence } from "../../src/model/index.ts";
import {
  addressOf,
  backendOf,
  CLIENT,
  endpointAt,
  requestOf,
  ruleOf,
  seededRandom,
  statesAt,
} from "./affinity.ts";
import { ringOf } from "./sealed.ts";

/** One thing that happens. Numbers choose among what there is, so that any history makes sense. */
export type Happening =
  /** A pod starts at a free address of the backend, which another may have had before. */
  | { readonly kind: "starts"; readonly at: number }
  | { readonly kind: "drains" | "falls ill" | "gets well" | "goes"; readonly pod: number }
  /** A StatefulSet's pod gets another address. */
  | { readonly kind: "moves house"; readonly pod: number; readonly at: number }
  | { readonly kind: "weighs"; readonly weights: readonly [number, number] }
  | { readonly kind: "passes"; readonly sec: number }
  | { readonly kind: "rotates keys" }
  | { readonly kind: "loses its token" | "forges a token"; readonly client: number }
  | { readonly kind: "asks"; readonly client: number; readonly fails: number };

interface Pod {
  readonly uid: string;
  readonly backend: number;
  at: number;
  health: EndpointHealth;
  drainingSinceMs: number | undefined;
}

/** What a client's session is, as somebody outside knows it. */
interface Home {
  readonly pod: Pod;
  readonly begunSec: number;
  /** With the last response. */
  readonly seenSec: number;
  /** The pod was at that address then. */
  readonly at: number;
  /** The newest key then. */
  readonly key: number;
}

interface Client {
  token: string | undefined;
  /** What the token says; undefined: it was forged, or there is none. */
  home: Home | undefined;
}

/** Addresses that each of the two backends has for its pods. */
const PLACES = 4;
const START_SEC = 1_800_000_000;
const CLIENTS = 3;

/** Three replicas would say no more than two: what both say must be the same. */
const REPLICAS = 2;

export class SessionWorld {
  readonly #session: SessionPersistence;
  readonly #random: () => number;
  readonly #clients: Client[] = Array.from({ length: CLIENTS }, () => ({
    token: undefined,
    home: undefined,
  }));
  readonly #states: BackendStates[];
  #pods: Pod[] = [];
  #weights: readonly [number, number] = [1, 1];
  #nowSec = START_SEC;
  #born = 0;
  #newestKey = 1;
  #keys: readonly SessionKeys[] = [];
  readonly #aheadSec: number;
  /** So much earlier or later than by the world's clock a time may be over. */
  readonly #doubtSec: number;

  /** @param aheadSec of the second replica's clock before that of the world and of the first; it may be behind */
  constructor(session: SessionPersistence, seed: number, aheadSec = 0) {
    this.#session = session;
    this.#aheadSec = aheadSec;
    this.#doubtSec = Math.abs(aheadSec);
    this.#random = seededRandom(seed);
    this.#states = Array.from({ length: REPLICAS }, () => statesAt(() => this.#nowSec * 1000));
    this.#setKeys([1]);
    for (let at = 0; at < PLACES * 2; at++) if (at % PLACES < 3) this.#start(at);
    this.#publish();
  }

  live(happening: Happening): void {
    switch (happening.kind) {
      case "starts":
        this.#start(happening.at % (PLACES * 2));
        break;
      case "moves house":
        this.#moveHouse(this.#pod(happening.pod), happening.at % PLACES);
        break;
      case "goes":
        this.#pods = this.#pods.filter((pod) => pod !== this.#pod(happening.pod));
        break;
      case "drains":
      case "falls ill":
      case "gets well":
        this.#turn(this.#pod(happening.pod), HEALTHS[happening.kind]);
        break;
      case "weighs":
        this.#weights = happening.weights;
        break;
      case "passes":
        this.#nowSec += happening.sec;
        break;
      case "rotates keys":
        this.#newestKey += 1;
        // The one before still opens; the one before that is gone.
        this.#setKeys([this.#newestKey, this.#newestKey - 1]);
        break;
      case "loses its token":
        Object.assign(this.#client(happening.client), { token: undefined, home: undefined });
        break;
      case "forges a token":
        this.#forge(this.#client(happening.client));
        break;
      case "asks":
        this.#ask(this.#client(happening.client), happening.fails);
        break;
    }
    this.#publish();
  }

  /** The client asks over some replica, whose first attempts may fail; and what must hold is looked at. */
  #ask(client: Client, fails: number): void {
    const replica = Math.floor(this.#random() * REPLICAS);
    const tried: EndpointState[] = [];
    const firsts = this.#states.map((_, index) => this.#decide(index, client, []));
    this.#checkReplicasAgree(firsts);
    let decision = firsts[replica] as Decision;
    this.#check(client, decision, tried);
    for (; tried.length < fails && decision.endpoint !== undefined; ) {
      tried.push(decision.endpoint);
      decision = this.#decide(replica, client, tried);
      this.#check(client, decision, tried);
    }
    if (decision.endpoint !== undefined && !tried.includes(decision.endpoint)) {
      this.#answer(client, decision, replica);
    }
  }

  #decide(replica: number, client: Client, tried: readonly EndpointState[]): Decision {
    const states = this.#states[replica] as BackendStates;
    const backends = this.#weights.map((weight, index) => ({
      backend: BACKEND_IDS[index] as string,
      weight,
    }));
    const plan = planRule(ruleOf(backends, { session: this.#session }), states);
    const fields = client.token === undefined ? [] : [["cookie", `home=${client.token}`] as const];
    return decide(plan, requestOf("/", fields), CLIENT, {
      nowSec: this.#nowSecAt(replica),
      random: this.#random,
      tried,
      keys: this.#keys[replica],
    });
  }

  #nowSecAt(replica: number): number {
    return this.#nowSec + (replica === 0 ? 0 : this.#aheadSec);
  }

  /** The endpoint answers, and the client gets what is due. */
  #answer(client: Client, decision: Decision, replica: number): void {
    const nowSec = this.#nowSecAt(replica);
    const fields = sessionFields(decision, false, nowSec, this.#keys[replica]);
    const text = fields?.add.map(({ value }) => /^home="?([^";]*)/.exec(value)?.[1]).find(Boolean);
    const pod = this.#podAt(addressOf(decision) as string) as Pod;
    const goesOn = decision.outcome === "kept" || this.#keepsTimes(client, decision);
    const before = goesOn ? client.home : undefined;
    if (text === undefined) {
      expect(decision.outcome, "only who has the right token gets none").toBe("kept");
      client.home = { ...(client.home as Home), key: this.#newestKey };
      return;
    }
    const read = readToken(this.#session, text, this.#keys[replica], nowSec);
    expect(read?.address, "a token names the endpoint that was chosen and answered").toBe(
      addressOf(decision),
    );
    client.token = text;
    client.home = {
      pod,
      at: pod.at,
      begunSec: before?.begunSec ?? this.#nowSec,
      seenSec: this.#nowSec,
      key: this.#newestKey,
    };
  }

  /** A session that had to move goes on counting from its beginning, unless it ends by Envoy's rule. */
  #keepsTimes(client: Client, { outcome }: Decision): boolean {
    const { token, endSecond } = this.#session;
    const countsOn = token.format === "sealed" || endSecond === "excluded";
    return outcome === "moved" && client.home !== undefined && countsOn;
  }

  #check(client: Client, decision: Decision, tried: readonly EndpointState[]): void {
    const { home } = client;
    const pod = decision.endpoint === undefined ? undefined : this.#podAt(addressOf(decision) as string);
    if (decision.outcome === "kept") {
      expect(home, "what nobody issued is not followed").toBeDefined();
      expect(pod, "a stranger at the session's address is not followed").toBe(home?.pod);
      this.#checkTime(home as Home);
    }
    if (home !== undefined && this.#isInTime(home) && this.#serves(home) && !this.#hasTried(home, tried)) {
      expect(decision.outcome, "a session whose endpoint serves is never moved").toBe("kept");
    }
    if (this.#session.onLost.action === "reject" && home !== undefined && this.#isInTime(home)) {
      const hosts = [home.pod, undefined];
      if (this.#opens(home)) expect(hosts, "a strict session never reaches another host").toContain(pod);
    }
    if (decision.source === "balance" && pod !== undefined) this.#checkNewSession(pod, tried);
    if (decision.source === "session" && pod !== undefined) this.#checkDrain(pod);
    if (decision.source === "session") {
      expect(tried, "a session is not followed to where the request has failed").not.toContain(
        decision.endpoint,
      );
    }
  }

  /** It may end late by the slack, and never by more. */
  #checkTime({ begunSec, seenSec }: Home): void {
    const { absoluteTimeoutSec, idleTimeoutSec } = this.#session;
    if (absoluteTimeoutSec !== undefined) {
      const age = this.#nowSec - begunSec;
      expect(age, "a session ends at its absolute timeout, whatever is issued anew").toBeLessThanOrEqual(
        absoluteTimeoutSec + this.#doubtSec,
      );
    }
    if (idleTimeoutSec !== undefined) {
      const idle = this.#nowSec - seenSec;
      expect(idle, "a session ends when it was not seen for too long").toBeLessThanOrEqual(
        idleTimeoutSec + 2 * idleSlackSec(idleTimeoutSec) + this.#doubtSec,
      );
    }
  }

  #checkNewSession(pod: Pod, tried: readonly EndpointState[]): void {
    const others = this.#othersThan(pod);
    if (pod.health === "draining") {
      expect(others, "new sessions never go to draining endpoints while somebody else serves").toEqual([]);
    }
    const isTried = (one: Pod) => tried.some(({ endpoint }) => endpoint.address === addressAt(one.at));
    if (isTried(pod)) {
      const left = others.filter((other) => !isTried(other));
      expect(left, "nobody is asked again who failed while somebody else serves").toEqual([]);
    }
  }

  #checkDrain(pod: Pod): void {
    const { drainTimeoutSec } = this.#session;
    if (drainTimeoutSec === undefined || pod.drainingSinceMs === undefined) return;
    const drainingSec = this.#nowSec - pod.drainingSinceMs / 1000;
    if (this.#othersThan(pod).length === 0) return;
    expect(drainingSec, "sessions stay no longer than their drain timeout").toBeLessThan(
      drainTimeoutSec + this.#doubtSec,
    );
  }

  /** Those of its backend that serve without any reserve. */
  #othersThan(pod: Pod): readonly Pod[] {
    return this.#pods.filter(
      (other) => other !== pod && other.backend === pod.backend && other.health === "healthy",
    );
  }

  #checkReplicasAgree(decisions: readonly Decision[]): void {
    const said = decisions.map(({ outcome, source, endpoint }) => [
      outcome,
      source === "session" ? endpoint?.endpoint.address : undefined,
    ]);
    // Weights that go first are drawn, by each replica for itself.
    if (this.#session.split === "weight") return;
    // In the seconds around the end of a time, clocks that differ say different things.
    if (this.#doubtSec > 0) return;
    for (const one of said) expect(one, "replicas follow a token to the same endpoint").toEqual(said[0]);
  }

  /** For certain: slack is granted on top. */
  #isInTime({ begunSec, seenSec }: Home): boolean {
    const { absoluteTimeoutSec = Number.POSITIVE_INFINITY, idleTimeoutSec = Number.POSITIVE_INFINITY } =
      this.#session;
    const slackSec = idleTimeoutSec === Number.POSITIVE_INFINITY ? 0 : idleSlackSec(idleTimeoutSec);
    return (
      this.#nowSec - begunSec < absoluteTimeoutSec - this.#doubtSec &&
      this.#nowSec - seenSec <= idleTimeoutSec - slackSec - this.#doubtSec
    );
  }

  /** The session may stay there by everything that counts. */
  #serves(home: Home): boolean {
    const { pod, at } = home;
    const { drainTimeoutSec = Number.POSITIVE_INFINITY, token, split } = this.#session;
    if (!this.#pods.includes(pod) || !this.#opens(home) || split === "weight") return false;
    const followsHost = token.format === "sealed" && token.identity === "hostname";
    if (pod.at !== at && !followsHost) return false;
    if (pod.health === "healthy") return true;
    const drainingSec = this.#nowSec - (pod.drainingSinceMs ?? 0) / 1000;
    return pod.health === "draining" && drainingSec < drainTimeoutSec - this.#doubtSec;
  }

  /** A session that is used between two rotations outlives both. */
  #opens({ key }: Home): boolean {
    return this.#session.token.format === "envoy" || this.#newestKey - key <= 1;
  }

  #hasTried({ pod }: Home, tried: readonly EndpointState[]): boolean {
    return tried.some(({ endpoint }) => this.#podAt(endpoint.address) === pod);
  }

  #forge(client: Client): void {
    const { token } = client;
    if (token === undefined || this.#session.token.format !== "sealed") return;
    const at = Math.floor(this.#random() * token.length);
    const other = token[at] === "A" ? "B" : "A";
    Object.assign(client, { token: token.slice(0, at) + other + token.slice(at + 1), home: undefined });
  }

  #start(at: number): void {
    if (this.#pods.some((pod) => pod.at === at)) return;
    this.#born += 1;
    const backend = Math.floor(at / PLACES);
    this.#pods.push({ uid: `pod-${this.#born}`, backend, at, health: "healthy", drainingSinceMs: undefined });
  }

  #moveHouse(pod: Pod | undefined, place: number): void {
    if (pod === undefined) return;
    const at = pod.backend * PLACES + place;
    if (!this.#pods.some((other) => other.at === at)) pod.at = at;
  }

  #turn(pod: Pod | undefined, health: EndpointHealth): void {
    if (pod === undefined) return;
    const drains = health === "draining";
    pod.drainingSinceMs = drains ? (pod.drainingSinceMs ?? this.#nowSec * 1000) : undefined;
    pod.health = health;
  }

  #setKeys(numbers: readonly number[]): void {
    this.#keys = Array.from({ length: REPLICAS }, (_, replica) =>
      ringOf(numbers, 1000 * numbers[0]! + replica),
    );
  }

  #publish(): void {
    const backends = BACKEND_IDS.map((id, index): Backend => {
      const pods = this.#pods.filter(({ backend }) => backend === index);
      // Without panic: it follows tokens by other rules, which tests of their own show.
      return backendOf(id, pods.map(endpointOf), { panicThresholdPercent: 0 });
    });
    for (const [index, states] of this.#states.entries()) this.#states[index] = states.update(backends);
  }

  #podAt(address: string): Pod | undefined {
    return this.#pods.find((pod) => addressAt(pod.at) === address);
  }

  #pod(number: number): Pod | undefined {
    return this.#pods[number % Math.max(1, this.#pods.length)];
  }

  #client(number: number): Client {
    return this.#clients[number % CLIENTS] as Client;
  }
}

const BACKEND_IDS = ["one", "two"];

const HEALTHS = { drains: "draining", "falls ill": "unhealthy", "gets well": "healthy" } as const;

function addressAt(at: number): string {
  return `10.0.${Math.floor(at / PLACES)}.${(at % PLACES) + 1}:80`;
}

function endpointOf({ uid, at, health, drainingSinceMs }: Pod): Endpoint {
  const since = drainingSinceMs === undefined ? {} : { drainingSinceMs };
  return endpointAt(addressAt(at), { uid, hostname: `host-of-${uid}`, health, ...since });
}
