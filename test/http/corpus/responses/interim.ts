// Interim responses: passed on or swallowed, never taken for the final one, and a 101 only where it was asked for.
import { type ResponseCase, says, type Theme } from "../case.ts";

const INTERIM = "RFC 9110 15.2";
const SWITCH = "RFC 9110 7.8, 15.2.2";

const FINAL = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const HINT = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\n";

export const interim: Theme<ResponseCase> = {
  theme: "interim responses",
  cases: [
    says("a 100 that nobody asked for", INTERIM, CONTINUE + FINAL, ["correct"]),
    says("a 102", INTERIM, `HTTP/1.1 102 Processing\r\n\r\n${FINAL}`, ["correct"]),
    says("a 103", "RFC 8297", HINT + FINAL, ["correct"]),
    says("a 199", INTERIM, `HTTP/1.1 199 Odd\r\n\r\n${FINAL}`, ["correct", "502"], { limpet: ["correct"] }),
    says("four 103", "RFC 8297", HINT.repeat(4) + FINAL, ["correct"]),
    says("a 100 and a 103", INTERIM, CONTINUE + HINT + FINAL, ["correct"]),
    says("1,000 of 100", INTERIM, CONTINUE.repeat(1000) + FINAL, ["correct", "502", "cut"], {
      limpet: ["502"],
    }),
    says("1,000 of 103", INTERIM, HINT.repeat(1000) + FINAL, ["correct", "502", "cut"], {
      limpet: ["502", "cut"],
    }),
    says(
      "a 103 with a length and no body",
      "RFC 9112 6.3 item 1",
      `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${FINAL}`,
      ["correct", "502"],
      {
        limpet: ["correct"],
      },
    ),
    says(
      "a 103 with a length and a body",
      "RFC 9112 6.3 item 1",
      `HTTP/1.1 103 Early Hints\r\nContent-Length: 6\r\n\r\npoison${FINAL}`,
      ["502", "cut"],
    ),
    says(
      "a 100 with chunks",
      "RFC 9112 6.3 item 1",
      `HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${FINAL}`,
      ["502", "cut"],
    ),
    says("a 103 and then nothing", "RFC 9112 8", HINT, ["502", "cut"], { hangUp: "close" }),
    says("a 100 and then nothing", "RFC 9112 8", CONTINUE, ["502", "cut"], { hangUp: "close" }),
    says(
      "a 101 that nobody asked for",
      SWITCH,
      `${SWITCHING}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
      ["502", "cut"],
    ),
    says(
      "a 101 that nobody asked for, and a response",
      SWITCH,
      `${SWITCHING}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n${FINAL}`,
      ["502", "cut"],
    ),
    says("a bare 101", SWITCH, `${SWITCHING}\r\n`, ["502", "cut"]),
    says(
      "a 101 to another protocol",
      SWITCH,
      `${SWITCHING}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n`,
      ["502", "cut"],
      {
        requestFields: [
          "Connection: upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ],
        limpet: ["502"],
        accept: ["502", "cut", "correct"],
        status: 101,
        body: "",
      } as object,
    ),
    says("a 200 where a 101 was asked for", SWITCH, FINAL, ["correct"], {
      requestFields: [
        "Connection: upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ],
    }),
  ],
};
