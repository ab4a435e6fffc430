// Runs cases through a peer: several lanes at a time, each with a port and an origin of its own, one case after the other.
import { POISON, type RequestCase, type ResponseCase, type Theme } from "../corpus/case.ts";
import type { Peer, RunningPeer } from "../peers/peer.ts";
import { CorpusClient } from "./client.ts";
import { type Aftermath, type Failure, judgeRequest, judgeResponse, type Observation } from "./judge.ts";
import { type Message, statusOf, valuesOf } from "./message.ts";
import { type Answer, echo, ORIGIN_MARK, RecordingOrigin } from "./origin.ts";
import { writePieces } from "./pieces.ts";

export interface Result {
  readonly theme: string;
  readonly name: string;
  readonly source: string;
  readonly failure: Failure | undefined;
}

/** The peers' own timeouts are below this, so that what waits longer hangs. */
const HUNG_MS = 6_000;
/** Limpet closes behind its refusals, unless a case says otherwise; others are not held to it. */
const CLOSE_MS = { own: 3_000, other: 500 };
const LATER_MS = 30;

const AFTER = "/after";
const AFTER_BYTES = `GET ${AFTER} HTTP/1.1\r\nHost: a.test\r\n\r\n`;

interface Lane {
  readonly port: number;
  readonly origin: RecordingOrigin;
}

interface Job {
  run(lane: Lane): Promise<Result>;
}

export interface Corpus {
  readonly requests: readonly Theme<RequestCase>[];
  readonly responses: readonly Theme<ResponseCase>[];
}

/**
 * Results in the order of the corpus.
 * @param pieceSize requests and responses are written in pieces of so many bytes; 0: each at once
 */
export async function runCorpus(
  peer: Peer,
  corpus: Corpus,
  laneCount: number,
  pieceSize = 0,
): Promise<Result[]> {
  const origins = Array.from({ length: laneCount }, () => new RecordingOrigin());
  const originPorts = await Promise.all(origins.map((origin) => origin.listen()));
  let running: RunningPeer | undefined;
  try {
    running = await peer.start(originPorts);
    const lanes = running.ports.map((port, index) => ({ port, origin: origins[index] as RecordingOrigin }));
    return await spread(jobsOf(corpus, peer.own, pieceSize), lanes);
  } finally {
    await running?.stop();
    for (const origin of origins) origin.close();
  }
}

function jobsOf({ requests, responses }: Corpus, own: boolean, pieceSize: number): Job[] {
  const ofRequests = requests.flatMap(({ theme, cases }) =>
    cases.map((entry) => ({
      run: async (lane: Lane) => {
        const failure = judgeRequest(entry, await observeRequest(lane, entry, pieceSize, own), own);
        return { theme, name: entry.name, source: entry.source, failure };
      },
    })),
  );
  const ofResponses = responses.flatMap(({ theme, cases }) =>
    cases.map((entry) => ({
      run: async (lane: Lane) => {
        const failure = judgeResponse(entry, await observeResponse(lane, entry, pieceSize), own);
        return { theme, name: entry.name, source: entry.source, failure };
      },
    })),
  );
  return [...ofRequests, ...ofResponses];
}

async function spread(jobs: readonly Job[], lanes: readonly Lane[]): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async (lane: Lane) => {
    for (let index = next++; index < jobs.length; index = next++) {
      results[index] = await (jobs[index] as Job).run(lane);
      await lane.origin.settle();
    }
  };
  await Promise.all(lanes.map(work));
  return results;
}

async function observeRequest(
  lane: Lane,
  entry: RequestCase,
  pieceSize: number,
  own: boolean,
): Promise<Observation> {
  lane.origin.answer = echo;
  const methods = [.../(?:^|\r\n)([A-Z]+) /[Symbol.matchAll](entry.bytes)].map((match) => match[1] as string);
  const client = new CorpusClient(lane.port, methods);
  const count = Math.max(
    ...entry.accept.map((outcome) => outcome.seen.length + (outcome.end === "answered" ? 0 : 1)),
  );
  await client.write(entry.bytes, pieceSize);
  const isOver = () => client.responses.length >= count || client.responses.some(isOwnError);
  const inTime = await client.until(isOver, HUNG_MS);
  if (client.responses.some(isOwnError)) await client.until(() => false, own ? CLOSE_MS.own : CLOSE_MS.other);
  const after = await follow(client, lane, client.responses.length);
  return observation(client, lane, !inTime && client.responses.length === 0, after);
}

async function observeResponse(lane: Lane, entry: ResponseCase, pieceSize: number): Promise<Observation> {
  lane.origin.answer = rawAnswer(entry, pieceSize);
  const client = new CorpusClient(lane.port, [entry.method]);
  const fields = entry.requestFields.map((field) => `${field}\r\n`).join("");
  await client.write(`${entry.method} /x HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`);
  const inTime = await client.until(() => client.responses.length > 0, HUNG_MS);
  if (entry.later !== "") await client.until(() => false, 2 * LATER_MS);
  const before = observation(client, lane, !inTime, "closed");
  if (client.tunnel) return before;
  // One request was sent: a second response, should there be one, is taken for the answer to the next.
  let after = await follow(client, lane, Math.min(1, client.responses.length));
  if (after === "closed") {
    const another = new CorpusClient(lane.port, []);
    after = await follow(another, lane, 0);
    another.destroy();
  }
  return { ...before, after };
}

function rawAnswer(entry: ResponseCase, pieceSize: number): Answer {
  return async (socket, request) => {
    if (request.startLine.includes(` ${AFTER} `)) {
      echo(socket, request);
      return;
    }
    await writePieces(socket, entry.bytes, pieceSize);
    socket.write("", () => {
      if (entry.hangUp === "reset") socket.resetAndDestroy();
      else if (entry.hangUp === "close") socket.end();
      if (entry.later !== "") setTimeout(() => socket.write(entry.later, "latin1"), LATER_MS);
    });
  };
}

/**
 * Asks once more on the connection, if it is still open: everything that came before has been dealt with by then.
 * @param before responses that belong to the case
 */
async function follow(client: CorpusClient, lane: Lane, before: number): Promise<Aftermath> {
  if (client.responses.length > before) return "wrong";
  if (client.closed || client.tunnel) return "closed";
  client.expect("GET");
  await client.write(AFTER_BYTES);
  const inTime = await client.until(() => client.responses.length > before, HUNG_MS);
  const response = client.responses.at(before);
  if (response === undefined) return inTime ? "closed" : "nothing";
  // A refusal that belongs to the case, or whose words crossed ours, is no answer to the question.
  if (isOwnError(response) && response.body !== POISON) return "closed";
  const isAsked = lane.origin.requests.some(isAfter);
  return isAsked && response.body.startsWith(`GET ${AFTER} `) ? "own" : "wrong";
}

function observation(client: CorpusClient, { origin }: Lane, hung: boolean, after: Aftermath): Observation {
  client.destroy();
  return {
    responses: client.responses.filter((response) => !response.body.startsWith(`GET ${AFTER} `)),
    rest: client.rest,
    closed: client.closed,
    hung,
    requests: origin.requests.filter((request) => !isAfter(request)),
    unfinished: origin.connections
      .map((connection) => connection.text.slice(connection.read))
      .filter((text) => text !== ""),
    after,
  };
}

function isAfter(request: Message): boolean {
  return request.startLine === `GET ${AFTER} HTTP/1.1` || request.startLine === `GET ${AFTER} HTTP/1.0`;
}

function isOwnError(response: Message): boolean {
  return valuesOf(response, ORIGIN_MARK).length === 0 && statusOf(response) >= 400;
}
