// What the response of an endpoint that answered must carry: the token, new or renewed, and generated hash cookies.
import type { HeaderField } from "../model/index.ts";
import type { Decision, SessionFields } from "./decision.ts";
import { newToken } from "./new-token.ts";
import { setCookieText } from "./set-cookie.ts";
import type { SessionKeys } from "./token/session-keys.ts";
import { writeToken } from "./token/session-token.ts";

const SET_COOKIE = "set-cookie";

/**
 * Undefined: nothing is due. Call it only for a response that came from `decision.endpoint`, never for one that
 * the gateway makes up. `nowSec`: wall clock when the response head came, whole unix seconds. `keys`: what sealed
 * sessions are sealed with; without, they get no token rather than one that is not sealed.
 */
export function sessionFields(
  decision: Decision,
  tls: boolean,
  nowSec: number,
  keys?: SessionKeys | undefined,
): SessionFields | undefined {
  const { issue, endpoint } = decision;
  if (issue === undefined || endpoint === undefined) return undefined;
  const set: HeaderField[] = [];
  const add: HeaderField[] = [];
  const carrier = issue.session?.carrier;
  // What the application sets is wrapped where it stands, see `wrapOriginal`.
  if (issue.session !== undefined && (carrier?.kind === "cookie" || carrier?.kind === "header")) {
    const token = newToken(issue.session, issue, decision, nowSec);
    const text = writeToken(issue.session, token, keys);
    if (text === undefined) {
      // No key, no token: the next request is balanced as this one was.
    } else if (carrier.kind === "header") {
      set.push({ name: carrier.name.toLowerCase(), value: text });
    } else {
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
