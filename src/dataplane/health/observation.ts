// What a worker sees of endpoints under outlier detection, gathered for a moment and told to the primary in one piece.
import type { BackendState, EndpointState } from "../../affinity/decision.ts";
import type { EndpointObserver } from "../endpoint-observer.ts";
import type { ErrorCode } from "../respond.ts";
import { addFailure, addSuccess, newStreak, type Streak } from "./streak.ts";

export interface Tally {
  total: number;
  failed: number;
}

/** How one endpoint answered since the last time it was told. Plain data. */
export interface Observation {
  /** Id of the backend. */
  readonly backend: string;
  readonly address: string;
  /** By status; where connection errors are not split off they count as 503 or 504. */
  readonly answers: Tally;
  readonly serverErrors: Streak;
  /** 502, 503 and 504. */
  readonly gatewayErrors: Streak;
  /** Connections, where they are split off: opened and used without an error, or not. */
  readonly connections: Tally;
  readonly localErrors: Streak;
}

/** Failures are told so soon; mere successes can wait. */
export const FAILURE_DELAY_MS = 10;
export const SUCCESS_DELAY_MS = 100;

/** What an endpoint did wrong, and the status that Envoy counts it as; all else is the gateway's own doing. */
const FAILURES = {
  "connect-failed": { status: 503, isConnected: false },
  "connect-timeout": { status: 504, isConnected: false },
  "upstream-tls": { status: 503, isConnected: false },
  "upstream-closed": { status: 503, isConnected: true },
  "upstream-protocol": { status: 503, isConnected: true },
  "upstream-timeout": { status: 504, isConnected: true },
  "attempt-timeout": { status: 504, isConnected: true },
  "exchange-timeout": { status: 504, isConnected: true },
} as const satisfies Partial<Record<ErrorCode, { status: number; isConnected: boolean }>>;

/** Observes for the primary: costs one look at the backend where it has no outlier detection. */
export class ObservationBatch implements EndpointObserver {
  readonly #tell: (observations: readonly Observation[]) => void;
  #gathered = new Map<EndpointState, Observation>();
  #timer: NodeJS.Timeout | undefined;
  #hasFailure = false;

  constructor(tell: (observations: readonly Observation[]) => void) {
    this.#tell = tell;
  }

  answered(backend: BackendState, endpoint: EndpointState, status: number): void {
    const detection = backend.backend.outlierDetection;
    if (detection === undefined) return;
    const observation = this.#of(backend, endpoint);
    if (detection.splitLocalErrors) addConnection(observation, true);
    addStatus(observation, status);
    this.#schedule(status >= 500);
  }

  failed(backend: BackendState, endpoint: EndpointState, code: string): void {
    const detection = backend.backend.outlierDetection;
    if (detection === undefined || !Object.hasOwn(FAILURES, code)) return;
    const { status, isConnected } = FAILURES[code as keyof typeof FAILURES];
    const observation = this.#of(backend, endpoint);
    if (detection.splitLocalErrors) {
      // Envoy reports the connection as a success of its own, so that what fails later never runs up.
      if (isConnected) addConnection(observation, true);
      addConnection(observation, false);
    } else {
      addStatus(observation, status);
    }
    this.#schedule(true);
  }

  /** Tells at once what was gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#hasFailure = false;
    if (this.#gathered.size === 0) return;
    const observations = [...this.#gathered.values()];
    this.#gathered = new Map();
    this.#tell(observations);
  }

  #of(backend: BackendState, endpoint: EndpointState): Observation {
    let observation = this.#gathered.get(endpoint);
    if (observation === undefined) {
      observation = {
        backend: backend.backend.id,
        address: endpoint.endpoint.address,
        answers: { total: 0, failed: 0 },
        serverErrors: newStreak(),
        gatewayErrors: newStreak(),
        connections: { total: 0, failed: 0 },
        localErrors: newStreak(),
      };
      this.#gathered.set(endpoint, observation);
    }
    return observation;
  }

  #schedule(isFailure: boolean): void {
    if (this.#timer !== undefined && (this.#hasFailure || !isFailure)) return;
    this.#hasFailure ||= isFailure;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), isFailure ? FAILURE_DELAY_MS : SUCCESS_DELAY_MS).unref();
  }
}

function addStatus({ answers, serverErrors, gatewayErrors }: Observation, status: number): void {
  answers.total += 1;
  if (status < 500 || status > 599) {
    addSuccess(serverErrors);
    addSuccess(gatewayErrors);
    return;
  }
  answers.failed += 1;
  addFailure(serverErrors);
  if (status >= 502 && status <= 504) addFailure(gatewayErrors);
  else addSuccess(gatewayErrors);
}

function addConnection({ connections, localErrors }: Observation, isGood: boolean): void {
  connections.total += 1;
  if (isGood) {
    addSuccess(localErrors);
  } else {
    connections.failed += 1;
    addFailure(localErrors);
  }
}
