// What the codec itself tells a client whose message it cannot hand to the pipeline.
import { STATUS_CODES } from "node:http";
import { PASSING_METHODS } from "../respond.ts";
import { type MessageError, REFUSAL_STATUS } from "./message-error.ts";

/** A whole response that ends the connection; only for clients that have not seen a head yet. */
export function refusalText(error: MessageError, date: string, toHead: boolean): string {
  const status = REFUSAL_STATUS[error.code];
  const body = `${error.message}\n`;
  const allow = status === 405 ? `allow: ${PASSING_METHODS}\r\n` : "";
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${allow}content-type: text/plain; charset=utf-8\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\ndate: ${date}\r\nconnection: close\r\n\r\n${toHead ? "" : body}`
  );
}
