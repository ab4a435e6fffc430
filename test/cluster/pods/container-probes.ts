// The probes of one running container: whether it is ready, and when it must begin anew.
import type { ChildProcess } from "node:child_process";
import type { Container } from "./container.ts";
import type { ProbeSpec } from "./pod.ts";
import { Probe } from "./probe.ts";

export interface ContainerProbesOptions {
  readonly container: Container;
  readonly address: string;
  /** Starts a command inside of the pod. */
  readonly run: (command: readonly string[]) => ChildProcess;
  readonly onChange: () => void;
}

/** From the start of a process to its end. */
export class ContainerProbes {
  readonly #options: ContainerProbesOptions;
  readonly #probes: Probe[] = [];
  #ready = false;

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
    const { container } = options;
    const { startupProbe } = container.spec;
    if (startupProbe === undefined) this.#started();
    else this.#begin(startupProbe, true, (succeeds) => (succeeds ? this.#started() : container.fail()));
  }

  get ready(): boolean {
    return this.#ready;
  }

  stop(): void {
    for (const probe of this.#probes) probe.stop();
  }

  /** The other probes wait for the startup probe. */
  #started(): void {
    const { container } = this.#options;
    const { livenessProbe, readinessProbe } = container.spec;
    if (livenessProbe !== undefined)
      this.#begin(livenessProbe, false, (succeeds) => {
        if (!succeeds) container.fail();
      });
    if (readinessProbe === undefined) this.#ready = true;
    else
      this.#begin(readinessProbe, true, (succeeds) => {
        this.#ready = succeeds;
        this.#options.onChange();
      });
  }

  #begin(spec: ProbeSpec, eager: boolean, onResult: (succeeds: boolean) => void): void {
    const { container, address, run } = this.#options;
    this.#probes.push(new Probe({ spec, container: container.spec, address, run, eager, onResult }));
  }
}
