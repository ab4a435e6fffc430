// What the response of an endpoint that answered must carry: the token, new or renewed, and generated hash cookies.
import type { HeaderField, SessionPersistence } from "../model/index.ts";
import type { Decision, Issue, SessionFields } from "./decision.ts";
import { tokenFormat } from "./session.ts";
import { setCookieText } from "./set-cookie.ts";
import type { Token } from "./token/token.ts";

const SET_COOKIE = "set-cookie";

/**
 * Undefined: nothing is due. Call it only for a response that came from `decision.endpoint`, never for one that
 * the gateway makes up. `nowSec`: wall clock when the response head came, whole unix seconds.
 */
export function sessionFields(decision: Decision, tls: boolean, nowSec: number): SessionFields | undefined {
  const { issue, endpoint } = decision;
  if (issue === undefined || endpoint === undefined) return undefined;
  const set: HeaderField[] = [];
  const add: HeaderField[] = [];
  if (issue.session !== undefined) {
    const token = newToken(issue.session, issue, endpoint.endpoint.address, nowSec);
    const text = tokenFormat(issue.session).encode(token);
    const { carrier } = issue.session;
    if (carrier.kind === "header") {
      set.push({ name: carrier.name.toLowerCase(), value: text });
    } else if (carrier.kind === "cookie") {
      const leftSec = token.expiresSec === 0 ? undefined : token.expiresSec - nowSec;
      // A renewal in the session's last second would tell the browser to drop the cookie, which happens anyway.
      if (leftSec === undefined || leftSec > 0) {
        const value = setCookieText({
          name: carrier.name,
          value: text,
          maxAgeSec: carrier.lifetime === "Permanent" ? leftSec : undefined,
          path: carrier.path,
          attributes: carrier.attributes,
          secure: tls && carrier.secureOnTls,
        });
        add.push({ name: SET_COOKIE, value });
      }
    }
  }
  for (const cookie of issue.cookies) add.push({ name: SET_COOKIE, value: setCookieText(cookie) });
  return { set, add };
}

/** The time last seen and the beginning are written only where an idle timeout needs them: else Envoy's own bytes. */
function newToken(session: SessionPersistence, issue: Issue, address: string, nowSec: number): Token {
  const { absoluteTimeoutSec, idleTimeoutSec } = session;
  const begunSec = issue.begunSec ?? nowSec;
  const ownEndSec = absoluteTimeoutSec === undefined ? 0 : begunSec + absoluteTimeoutSec;
  return {
    address,
    expiresSec: issue.expiresSec ?? ownEndSec,
    lastSeenSec: idleTimeoutSec === undefined ? 0 : nowSec,
    begunSec: idleTimeoutSec === undefined ? 0 : begunSec,
  };
}
