// The real `openssl s_client`: how it finds a TLS server, and connections that it keeps open.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

export interface Handshake {
  /** All that it printed: the report on the handshake, then what the server sent. */
  readonly text: string;
  /** Alerts and errors. */
  readonly stderr: string;
  readonly exitCode: number | null;
  /** Such as `TLSv1.3`; undefined: there was no handshake. */
  readonly version: string | undefined;
  readonly cipher: string | undefined;
  readonly resumed: boolean;
  /** Common name of the certificate that was shown. */
  readonly shown: string | undefined;
  /** `0 (ok)` */
  readonly verified: string | undefined;
  readonly alpn: string | undefined;
  /** Of the HTTP response; undefined where none came. */
  readonly status: number | undefined;
}

/** A `GET` after which the server closes. */
export function getFor(host: string, path = "/"): string {
  return `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
}

function spawnClient(port: number, args: readonly string[]): ChildProcess {
  const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...args]);
  // It may have ended by the time it is written to.
  child.stdin.on("error", () => {});
  return child;
}

/** Connects, sends the text and reads until the server closes the connection. */
export async function sClient(port: number, args: readonly string[], text: string): Promise<Handshake> {
  const child = spawnClient(port, args);
  let out = "";
  let stderr = "";
  child.stdout?.setEncoding("latin1").on("data", (chunk: string) => {
    out += chunk;
  });
  child.stderr?.setEncoding("latin1").on("data", (chunk: string) => {
    stderr += chunk;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  child.stdin?.end(text);
  const [exitCode] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { ...reportIn(out), text: out, stderr, exitCode };
}

function reportIn(text: string): Omit<Handshake, "text" | "stderr" | "exitCode"> {
  // `New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384`; `(NONE)` where the handshake failed.
  const [, kind, version, cipher] = /^(New|Reused), (.+), Cipher is (.+)$/m.exec(text) ?? [];
  // Not always at the start of a line: the report on a ticket that comes with the response may be half printed by then.
  const status = /HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
  return {
    version: version === "(NONE)" ? undefined : version,
    cipher: cipher === "(NONE)" ? undefined : cipher,
    resumed: kind === "Reused",
    shown: /^subject=CN ?= ?(.+)$/m.exec(text)?.[1],
    verified: /^ *Verify return code: (.+)$/m.exec(text)?.[1],
    alpn: /^ALPN protocol: (.+)$/m.exec(text)?.[1],
    status: status === undefined ? undefined : Number(status),
  };
}

/** A connection that stays open until the test is over. */
export class KeptClient {
  /** What was received, the report on the handshake included. */
  text = "";
  closed = false;
  readonly #child: ChildProcess;
  #changed: () => void = () => {};

  constructor(port: number, args: readonly string[]) {
    this.#child = spawnClient(port, args);
    this.#child.stdout?.setEncoding("latin1").on("data", (chunk: string) => {
      this.text += chunk;
      this.#changed();
    });
    this.#child.once("close", () => {
      this.closed = true;
      this.#changed();
    });
    onTestFinished(() => {
      this.#child.kill("SIGKILL");
    });
  }

  /** Asks for a page that answers with a text that no other answer has; false: the connection broke first. */
  async ask(host: string, path: string, expected: string): Promise<boolean> {
    this.#child.stdin?.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    while (!this.closed && !this.text.includes(expected)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.text.includes(expected);
  }
}
