// A DNS server on a loopback UDP port that answers as the test says: addresses with their time to live, or an error.
import { createSocket, type RemoteInfo } from "node:dgram";
import { onTestFinished } from "vitest";

export interface DnsRecords {
  /** IPv4. */
  readonly a?: readonly string[];
  /** IPv6, in full: eight groups. */
  readonly aaaa?: readonly string[];
  readonly ttlSec?: number;
  /** Questions for this type get SERVFAIL. */
  readonly fails?: "A" | "AAAA";
  /** Another name that the addresses belong to. */
  readonly cname?: string;
}

/** `silent`: no answer at all. */
export type DnsAnswer = DnsRecords | "NXDOMAIN" | "SERVFAIL" | "silent";

export interface DnsServer {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Questions so far: `A carts.example`. */
  readonly questions: string[];
  /** From now on. */
  answer(name: string, answer: DnsAnswer): void;
}

const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;
const CODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;
const HEADER_SIZE = 12;

/** Ends with the test. Names that it was not told of do not exist. */
export async function startDnsServer(answers: Readonly<Record<string, DnsAnswer>> = {}): Promise<DnsServer> {
  const known = new Map(Object.entries(answers));
  const questions: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query: Buffer, peer: RemoteInfo) => {
    const { name, type, end } = readQuestion(query);
    questions.push(`${type === TYPES.A ? "A" : type === TYPES.AAAA ? "AAAA" : type} ${name}`);
    const answer = known.get(name) ?? "NXDOMAIN";
    if (answer === "silent") return;
    const isFailing =
      typeof answer === "object" && answer.fails !== undefined && TYPES[answer.fails] === type;
    const told = isFailing ? "SERVFAIL" : answer;
    socket.send(encodeAnswer(query.subarray(0, end), name, type, told), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  onTestFinished(() => void socket.close());
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    answer: (name, answer) => known.set(name, answer),
  };
}

/** RFC 1035 section 4.1.2: labels, type, class. */
function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_SIZE;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function encodeAnswer(
  query: Buffer,
  name: string,
  type: number,
  answer: Exclude<DnsAnswer, "silent">,
): Buffer {
  const code = typeof answer === "string" ? CODES[answer] : CODES.NOERROR;
  const records = typeof answer === "string" ? [] : recordsOf(name, type, answer);
  const message = Buffer.concat([query, ...records]);
  // A response, recursion desired and available.
  message.writeUInt16BE(0x8180 | code, 2);
  message.writeUInt16BE(records.length, 6);
  message.writeUInt16BE(0, 8);
  message.writeUInt16BE(0, 10);
  return message;
}

function recordsOf(
  name: string,
  type: number,
  { a = [], aaaa = [], ttlSec = 60, cname }: DnsRecords,
): Buffer[] {
  const owner = cname ?? name;
  const alias = cname === undefined ? [] : [record(name, TYPES.CNAME, ttlSec, encodeName(cname))];
  if (type === TYPES.A) {
    return [
      ...alias,
      ...a.map((ip) => record(owner, TYPES.A, ttlSec, Buffer.from(ip.split(".").map(Number)))),
    ];
  }
  if (type !== TYPES.AAAA) return alias;
  return [
    ...alias,
    ...aaaa.map((ip) => {
      const groups = ip.split(":").map((group) => group.padStart(4, "0"));
      return record(owner, TYPES.AAAA, ttlSec, Buffer.from(groups.join(""), "hex"));
    }),
  ];
}

function record(name: string, type: number, ttlSec: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttlSec, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(name), fixed, data]);
}

function encodeName(name: string): Buffer {
  const labels = name
    .split(".")
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
