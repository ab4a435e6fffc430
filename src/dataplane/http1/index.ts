// The surface of the HTTP/1.1 codec: what the engine and the pool need, and nothing of the grammar.
export { http1Connector, openSocket } from "./connector.ts";
export { DeadlineSweep } from "./deadline-sweep.ts";
export { Http1Server } from "./server.ts";
export { acceptWithSharedReads, type BytesReceiver } from "./shared-reads.ts";
export { TurnedAwayClients } from "./turned-away.ts";
