// Connection and the fields that it names, Upgrade, Expect, Max-Forwards and HTTP/1.0: what a hop keeps to itself.
import {
  answered,
  forwarded,
  get,
  lenient,
  line,
  post,
  REFUSED,
  type RequestCase,
  SEEN_GET,
  SMUGGLED,
  seenPost,
  strict,
  type Theme,
} from "../case.ts";

const NAMED = "RFC 9110 7.6.1";
const HOP = "RFC 9110 7.6.1";

const hop: readonly RequestCase[] = [
  forwarded("named field", NAMED, get("Connection: X-Own", "X-Own: 1"), SEEN_GET, { lacks: ["x-own"] }),
  forwarded("named field before Connection", NAMED, get("X-Own: 1", "Connection: X-Own"), SEEN_GET, {
    lacks: ["x-own"],
  }),
  forwarded("named fields", NAMED, get("Connection: x-own, x-other", "X-Own: 1", "X-Other: 2"), SEEN_GET, {
    lacks: ["x-own", "x-other"],
  }),
  forwarded("named field beside close", NAMED, get("Connection: close, X-Own", "X-Own: 1"), SEEN_GET, {
    lacks: ["x-own"],
  }),
  forwarded(
    "named field beside keep-alive",
    NAMED,
    get("Connection: keep-alive, X-Own", "X-Own: 1"),
    SEEN_GET,
    {
      lacks: ["x-own"],
    },
  ),
  forwarded(
    "several Connections",
    NAMED,
    get("Connection: X-Own", "Connection: X-Other", "X-Own: 1", "X-Other: 2"),
    SEEN_GET,
    {
      lacks: ["x-own", "x-other"],
    },
  ),
  forwarded("named field that is not there", NAMED, get("Connection: X-Own"), SEEN_GET, {
    lacks: ["connection: x-own"],
  }),
  forwarded("named field in another case", NAMED, get("Connection: x-OWN", "X-own: 1"), SEEN_GET, {
    lacks: ["x-own"],
  }),
  forwarded(
    "named field that stands twice",
    NAMED,
    get("Connection: X-Own", "X-Own: 1", "X-Own: 2"),
    SEEN_GET,
    {
      lacks: ["x-own"],
    },
  ),
  forwarded("empty list members", "RFC 9110 5.6.1", get("Connection: , X-Own ,,", "X-Own: 1"), SEEN_GET, {
    lacks: ["x-own"],
  }),
  forwarded("Connection itself", HOP, get("Connection: close, X-Own", "X-Own: 1"), SEEN_GET, {
    lacks: ["connection: close, x-own", "connection: x-own"],
  }),
  forwarded("Keep-Alive", HOP, get("Connection: keep-alive, Keep-Alive", "Keep-Alive: timeout=5"), SEEN_GET, {
    lacks: ["keep-alive"],
  }),
  forwarded("Keep-Alive that is not named", "RFC 9110 7.6.1", get("Keep-Alive: timeout=5"), SEEN_GET, {
    limpetLacks: ["keep-alive"],
  }),
  forwarded("Proxy-Connection", "RFC 9112 C.2.2", get("Proxy-Connection: keep-alive"), SEEN_GET, {
    limpetLacks: ["proxy-connection"],
  }),
  forwarded("TE", "RFC 9110 10.1.4", get("Connection: TE", "TE: trailers, deflate;q=0.5"), SEEN_GET, {
    lacks: ["te: trailers, deflate;q=0.5"],
  }),
  forwarded("TE that is not named", "RFC 9110 10.1.4", get("TE: deflate"), SEEN_GET, { limpetLacks: ["te"] }),
  strict("quoted option", NAMED, get('Connection: "close"'), SEEN_GET),
  strict("option with a space", NAMED, get("Connection: close x"), SEEN_GET),
  strict("option with a semicolon", NAMED, get("Connection: close;x"), SEEN_GET),
];

/** Whoever names them tries to take them from routing or framing: keep them, or refuse. */
const needed: readonly RequestCase[] = [
  strict("names Host", `${NAMED}; CWE-444`, get("Connection: Host"), SEEN_GET),
  strict(
    "names Content-Length",
    `${NAMED}; CWE-444`,
    post(["Connection: Content-Length", "Content-Length: 5"], "hello"),
    [seenPost("hello")],
  ),
  lenient(
    "names Transfer-Encoding",
    `${NAMED}; CWE-444`,
    post(["Connection: Transfer-Encoding", "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    seenPost("hello"),
  ),
  strict("names Cookie", `${NAMED}; ABUSE-HOP`, get("Connection: Cookie", "Cookie: a=b"), SEEN_GET),
  strict(
    "names Authorization",
    `${NAMED}; ABUSE-HOP`,
    get("Connection: Authorization", "Authorization: Basic YTpi"),
    [SEEN_GET],
  ),
  lenient("names X-Forwarded-For", "CVE-2022-31813", get("Connection: X-Forwarded-For"), SEEN_GET, {
    has: ["x-forwarded-for"],
  }),
  // Not one that a gateway may take for its own, and tell as such.
  forwarded(
    "names a request id",
    "ABUSE-HOP",
    get("Connection: X-Request-Id", "X-Request-Id: a b"),
    SEEN_GET,
    {
      lacks: ["x-request-id: a b"],
    },
  ),
  lenient("names Connection", NAMED, get("Connection: Connection"), SEEN_GET),
  lenient("names Via", NAMED, get("Connection: Via", "Via: 1.1 a"), SEEN_GET),
];

const WEBSOCKET = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];

const upgrade: readonly RequestCase[] = [
  lenient(
    "Upgrade: h2c",
    "RFC 9110 7.8; h2c smuggling",
    get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    SEEN_GET,
    {
      lacks: ["http2-settings"],
      limpetLacks: ["upgrade"],
    },
  ),
  forwarded("Upgrade: h2c that Connection does not name", "h2c smuggling", get("Upgrade: h2c"), SEEN_GET, {
    lacks: ["upgrade"],
  }),
  lenient("Upgrade: TLS/1.0", "RFC 9110 7.8", get("Connection: Upgrade", "Upgrade: TLS/1.0"), SEEN_GET, {
    limpetLacks: ["upgrade"],
  }),
  lenient(
    "Upgrade to two protocols",
    "RFC 9110 7.8",
    get("Connection: Upgrade", "Upgrade: websocket, h2c"),
    SEEN_GET,
    {
      limpetLacks: ["upgrade"],
    },
  ),
  lenient(
    "two Upgrades",
    "RFC 9110 7.8",
    get("Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c"),
    SEEN_GET,
    {
      limpetLacks: ["upgrade"],
    },
  ),
  forwarded(
    "Upgrade that Connection does not name",
    "RFC 9110 7.8",
    get("Upgrade: websocket", ...WEBSOCKET),
    SEEN_GET,
    {
      lacks: ["upgrade"],
    },
  ),
  lenient(
    "WebSocket",
    "RFC 6455 4.1",
    get("Connection: Upgrade", "Upgrade: websocket", ...WEBSOCKET),
    SEEN_GET,
  ),
  lenient(
    "WebSocket in HTTP/1.0",
    "RFC 9110 7.8",
    `GET /x HTTP/1.0\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    SEEN_GET,
    {
      limpetLacks: ["upgrade"],
    },
  ),
  lenient(
    "WebSocket by POST",
    "RFC 6455 4.1",
    post(["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 0"], ""),
    seenPost(""),
    {
      limpetLacks: ["upgrade"],
    },
  ),
  lenient(
    "WebSocket with a body",
    "RFC 9110 7.8",
    `${get("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5")}hello`,
    `${SEEN_GET} hello`,
    {
      limpetLacks: ["upgrade"],
    },
  ),
  {
    name: "WebSocket that is declined, and a request behind it",
    source: "RFC 9110 7.8; WebSocket smuggling",
    bytes: get("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 777") + SMUGGLED,
    accept: [
      REFUSED,
      answered(SEEN_GET, "GET b.test /smuggled"),
      answered(SEEN_GET),
      { seen: [SEEN_GET], end: "refused" },
    ],
    limpet: [answered(SEEN_GET, "GET b.test /smuggled")],
  },
  {
    name: "h2c that is declined, and a request behind it",
    source: "h2c smuggling",
    bytes: get("Connection: Upgrade", "Upgrade: h2c") + SMUGGLED,
    accept: [
      REFUSED,
      answered(SEEN_GET, "GET b.test /smuggled"),
      answered(SEEN_GET),
      { seen: [SEEN_GET], end: "refused" },
    ],
    limpet: [answered(SEEN_GET, "GET b.test /smuggled")],
  },
];

const expectation = (value: string) => post([`Expect: ${value}`, "Content-Length: 5"], "hello");
const refusedWith = (status: number) => [{ seen: [], end: "refused", status } as const];

const expect: readonly RequestCase[] = [
  forwarded("100-continue", "RFC 9110 10.1.1", expectation("100-continue"), seenPost("hello")),
  forwarded("100-continue in capitals", "RFC 9110 10.1.1", expectation("100-CONTINUE"), seenPost("hello")),
  forwarded("100-continue without a body", "RFC 9110 10.1.1", get("Expect: 100-continue"), SEEN_GET),
  strict("another expectation", "RFC 9110 10.1.1", expectation("200-ok"), seenPost("hello"), {
    limpet: refusedWith(417),
  }),
  strict("100-continue and another", "RFC 9110 10.1.1", expectation("100-continue, x"), seenPost("hello"), {
    limpet: refusedWith(417),
  }),
  strict("empty expectation", "RFC 9110 10.1.1", expectation(""), seenPost("hello"), {
    limpet: refusedWith(417),
  }),
  strict(
    "obfuscated expectation",
    "Expect desync, CWE-444",
    expectation("x 100-continue"),
    seenPost("hello"),
    {
      limpet: refusedWith(417),
    },
  ),
  forwarded(
    "100-continue in chunks",
    "RFC 9110 10.1.1",
    post(["Expect: 100-continue", "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n"),
    seenPost("hello"),
  ),
  lenient(
    "100-continue in HTTP/1.0",
    "RFC 9110 10.1.1",
    "POST /x HTTP/1.0\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    seenPost("hello"),
  ),
];

const LOCAL = { seen: [], end: "local" } as const;

const maxForwards: readonly RequestCase[] = [
  {
    name: "OPTIONS with Max-Forwards 0",
    source: "RFC 9110 7.6.2",
    bytes: line("OPTIONS /x HTTP/1.1", "Max-Forwards: 0"),
    accept: [LOCAL, REFUSED],
    limpet: [LOCAL],
  },
  {
    name: "OPTIONS * with Max-Forwards 0",
    source: "RFC 9110 7.6.2",
    bytes: line("OPTIONS * HTTP/1.1", "Max-Forwards: 0"),
    accept: [LOCAL, REFUSED],
    limpet: [LOCAL],
  },
  {
    name: "TRACE with Max-Forwards 0",
    source: "RFC 9110 7.6.2, 9.3.8",
    bytes: line("TRACE /x HTTP/1.1", "Max-Forwards: 0"),
    accept: [LOCAL, REFUSED],
    limpet: [{ seen: [], end: "refused", status: 405, mayStayOpen: true }],
  },
  forwarded(
    "OPTIONS with Max-Forwards 3",
    "RFC 9110 7.6.2",
    line("OPTIONS /x HTTP/1.1", "Max-Forwards: 3"),
    "OPTIONS a.test /x",
    {
      has: ["max-forwards: 2"],
    },
  ),
  lenient(
    "TRACE with Max-Forwards 1",
    "RFC 9110 7.6.2",
    line("TRACE /x HTTP/1.1", "Max-Forwards: 1"),
    "TRACE a.test /x",
    {
      has: ["max-forwards: 0"],
    },
  ),
  forwarded("GET with Max-Forwards 0", "RFC 9110 7.6.2", get("Max-Forwards: 0"), SEEN_GET),
  strict(
    "OPTIONS with Max-Forwards that is no number",
    "RFC 9110 7.6.2",
    line("OPTIONS /x HTTP/1.1", "Max-Forwards: x"),
    "OPTIONS a.test /x",
    {
      limpet: [{ seen: [], end: "refused", status: 400, mayStayOpen: true }],
    },
  ),
  strict(
    "OPTIONS with two Max-Forwards",
    "RFC 9110 7.6.2",
    line("OPTIONS /x HTTP/1.1", "Max-Forwards: 0", "Max-Forwards: 1"),
    [],
    {
      limpet: [{ seen: [], end: "refused", status: 400, mayStayOpen: true }],
    },
  ),
];

const old = (fields: string, body = "", method = "GET") => `${method} /x HTTP/1.0\r\n${fields}\r\n${body}`;

const http10: readonly RequestCase[] = [
  lenient("HTTP/1.0 with Host", "RFC 9112 2.3", old("Host: a.test\r\n"), SEEN_GET),
  lenient("HTTP/1.0 without Host", "RFC 9112 3.2", old(""), "GET ? /x"),
  lenient(
    "HTTP/1.0 with keep-alive",
    "RFC 9112 C.2.2",
    old("Host: a.test\r\nConnection: keep-alive\r\n"),
    SEEN_GET,
  ),
  lenient(
    "HTTP/1.0 with a body",
    "RFC 9112 6.2",
    old("Host: a.test\r\nContent-Length: 5\r\n", "hello", "POST"),
    seenPost("hello"),
  ),
  strict("HTTP/1.0 with an invalid Host", "RFC 9112 3.2", old("Host: a b\r\n"), []),
  {
    name: "HTTP/1.0 and a request behind it",
    source: "RFC 9112 9.3",
    bytes: old("Host: a.test\r\n") + SMUGGLED,
    accept: [REFUSED, answered(SEEN_GET)],
    limpet: [answered(SEEN_GET)],
  },
];

export const connection: Theme<RequestCase> = { theme: "Connection", cases: [...hop, ...needed] };
export const upgrades: Theme<RequestCase> = { theme: "Upgrade and Expect", cases: [...upgrade, ...expect] };
export const hops: Theme<RequestCase> = {
  theme: "Max-Forwards, HTTP/1.0",
  cases: [...maxForwards, ...http10],
};
