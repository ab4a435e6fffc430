// A real httpbin, and `limpet run` in front of it: for tests that ask both and compare.
import { request } from "node:http";
import { freePort } from "../support/free-port.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { type Httpbin, startHttpbin } from "../support/httpbin.ts";
import { gatewayYaml, sampleYaml } from "../support/manifests.ts";

export interface HttpbinStage {
  readonly httpbin: Httpbin;
  readonly gateway: Gateway;
  /** Of the gateway, on 127.0.0.1. */
  readonly port: number;
  stop(): Promise<void>;
}

/** @param files more of the gateway's; its Service is called `sample` */
export async function startHttpbinStage(files: Readonly<Record<string, string>> = {}): Promise<HttpbinStage> {
  const httpbin = await startHttpbin();
  try {
    const port = await freePort();
    const sample = sampleYaml([httpbin.port]);
    const gateway = await startGateway({
      files: { "gateway.yaml": gatewayYaml({ port }), "sample.yaml": sample, ...files },
    });
    const stop = async () => {
      await gateway.stop();
      await httpbin.stop();
    };
    return { httpbin, gateway, port, stop };
  } catch (error) {
    await httpbin.stop();
    throw error;
  }
}

export interface Question {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface WholeAnswer {
  readonly statusLine: string;
  /** `Name: value` as they came, without those that belong to the connection. */
  readonly fields: readonly string[];
  /** By bytes, latin1, with all encodings but those of the transfer. */
  readonly body: string;
}

/** Of a connection, not of an answer (RFC 9110, 7.6.1; RFC 9112, 6.1). */
const HOP_FIELDS = ["connection", "keep-alive", "transfer-encoding"];

/** Asks 127.0.0.1 with these header fields, a host and no more, on a connection of its own. */
export function ask(port: number, question: Question): Promise<WholeAnswer> {
  const { method = "GET", path, headers = {}, body } = question;
  return new Promise((resolve, reject) => {
    const fields = { host: "httpbin.example", ...headers };
    const outgoing = request(
      { host: "127.0.0.1", port, agent: false, method, path, headers: fields },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          resolve({
            statusLine: `HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`,
            fields: fieldLines(response.rawHeaders),
            body: Buffer.concat(chunks).toString("latin1"),
          });
        });
      },
    );
    // An echo would show what Node says about the connection.
    if (headers.connection === undefined) outgoing.removeHeader("connection");
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function fieldLines(rawHeaders: readonly string[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (!HOP_FIELDS.includes(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  return lines;
}
