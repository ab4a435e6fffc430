// A stateful application of three lines of business, as a servlet container runs it: its session is in a JSESSIONID cookie.
import { randomBytes } from "node:crypto";
import type { IncomingMessage, Server } from "node:http";
import { onTestFinished } from "vitest";
import type { Endpoint } from "../../src/model/index.ts";
import { startOrigin } from "./origin.ts";

export interface CartReplica {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly server: Server;
  /** Items by session id. */
  readonly carts: ReadonlyMap<string, readonly string[]>;
  /** The `cookie` line of every request, as it came. */
  readonly cookies: readonly (string | undefined)[];
}

/** What a replica answers with, in JSON. */
export interface CartAnswer {
  readonly replica: string;
  readonly session: string | undefined;
  readonly items: readonly string[];
}

/**
 * `/add/<item>` puts an item into the session's cart and begins a session where the request has none that this replica
 * knows; `/leave` ends the session; everything else shows the cart. An upgrade is answered with the session's id.
 */
export async function startCartReplica(name: string): Promise<CartReplica> {
  const carts = new Map<string, string[]>();
  const cookies: (string | undefined)[] = [];

  function sessionOf({ headers }: IncomingMessage): string | undefined {
    cookies.push(headers.cookie);
    const id = /(?:^|; )JSESSIONID=([^;]*)/.exec(headers.cookie ?? "")?.[1];
    return id !== undefined && carts.has(id) ? id : undefined;
  }

  const { endpoint, server } = await startOrigin((request, response) => {
    let session = sessionOf(request);
    const [, verb, item] = (request.url ?? "/").split("/");
    const setCookie = [`seen=${name}; Path=/`];
    if (verb === "leave") {
      if (session !== undefined) carts.delete(session);
      setCookie.push("JSESSIONID=gone; Max-Age=0; Expires=Thu, 01-Jan-1970 00:00:10 GMT; Path=/");
    } else if (verb === "add") {
      if (session === undefined) {
        session = `${randomBytes(16).toString("hex").toUpperCase()}.${name}`;
        carts.set(session, []);
        setCookie.push(`JSESSIONID=${session}; Path=/; HttpOnly;SameSite=lax`);
      }
      carts.get(session)?.push(item ?? "");
    }
    const items = session === undefined ? [] : (carts.get(session) ?? []);
    response.writeHead(200, { "content-type": "application/json", "set-cookie": setCookie });
    response.end(JSON.stringify({ replica: name, session, items } satisfies CartAnswer));
  });

  server.on("upgrade", (request, socket) => {
    const session = sessionOf(request);
    socket.on("error", () => {});
    onTestFinished(() => {
      socket.destroy();
    });
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n${name} ${session}`,
    );
  });
  return { name, endpoint, server, carts, cookies };
}
