// Copies files of examples/ into a folder of the test's own, with free ports in place of the documented ones.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

const EXAMPLES = resolve(import.meta.dirname, "../../examples");

/** The ports that the files of examples/ are written with: the gateway's, and 3001, 3002, ... for the replicas. */
const GATEWAY_PORT = 8080;
const FIRST_REPLICA_PORT = 3001;

export interface ExamplePorts {
  readonly gateway: number;
  /** Port of replica 1, 2, ... */
  readonly replicas: readonly number[];
}

export interface ExampleCopy {
  /** What `-f` takes. */
  readonly folder: string;
  /** Adds a file of the example, or replaces the one of that name, and answers its path. */
  put(file: string, change?: (text: string) => string): string;
  remove(file: string): void;
  dispose(): void;
}

/** A copy of the named files of `examples/<name>/`. */
export function copyExample(name: string, files: readonly string[], ports: ExamplePorts): ExampleCopy {
  const folder = mkdtempSync(join(tmpdir(), `limpet-${basename(name)}-`));
  const put = (file: string, change: (text: string) => string = (text) => text): string => {
    const target = join(folder, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, change(withPorts(readFileSync(join(EXAMPLES, name, file), "utf8"), ports)));
    return target;
  };
  for (const file of files) put(file);
  return {
    folder,
    put,
    remove: (file) => rmSync(join(folder, file)),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The text with the ports replaced; a port that the example does not have cannot go unnoticed: it is a test's bug. */
function withPorts(text: string, ports: ExamplePorts): string {
  return text.replace(/^(\s*port: )(\d+)$/gm, (line, key: string, digits: string) => {
    const port = Number(digits);
    if (port === GATEWAY_PORT) return `${key}${ports.gateway}`;
    const replica = ports.replicas[port - FIRST_REPLICA_PORT];
    if (replica !== undefined) return `${key}${replica}`;
    return line;
  });
}
