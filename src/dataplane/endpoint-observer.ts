// Told how endpoints answer, so that outlier detection can draw its conclusions.
import type { BackendState, EndpointState } from "../affinity/decision.ts";

/** Called once an attempt, on the hot path: cheap for backends without outlier detection. */
export interface EndpointObserver {
  /** The head of a final response came with this status. */
  answered(backend: BackendState, endpoint: EndpointState, status: number): void;
  /** No head came: refused, reset or too late; `code` as in the registry of errors. */
  failed(backend: BackendState, endpoint: EndpointState, code: string): void;
}

/** For engines whose backends nobody watches. */
export const NO_OBSERVER: EndpointObserver = { answered() {}, failed() {} };
