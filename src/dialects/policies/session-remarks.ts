// What there is to tell about a session in every dialect: a token that clients can read, a name that is not its own.
import type { SessionCarrier, SessionPersistence } from "../../model/index.ts";
import { draftFinding, type FieldPath, type FindingDraft } from "../findings.ts";
import type { Reading } from "../schema/read-object.ts";
import { refusedCookie } from "./cookie-rules.ts";

/**
 * @param path where the session is declared, in the object's value
 * @param asksForEnvoy the object asks for Envoy's format, which keys would not change
 */
export function sessionRemarks(
  reading: Reading,
  path: FieldPath,
  session: SessionPersistence,
  asksForEnvoy = false,
): FindingDraft[] {
  const { carrier, token } = session;
  const at = reading.writtenPath(path);
  const findings: FindingDraft[] = [];
  if (token.format === "envoy") findings.push(unsealedToken(reading, at, carrier, asksForEnvoy));
  if (isOfApplications(carrier)) findings.push(nameOfApplications(reading, at, carrier));
  if (carrier.kind === "cookie") {
    const { name, path, attributes, secureOnTls } = carrier;
    for (const refusal of refusedCookie(name, path, attributes, secureOnTls)) {
      findings.push(draftFinding("cookie-refused", reading.object, at, refusal));
    }
  }
  return findings;
}

function unsealedToken(
  { object }: Reading,
  at: FieldPath,
  carrier: SessionCarrier,
  asksForEnvoy: boolean,
): FindingDraft {
  const { kind, name } = carrier;
  const wraps = kind === "wrappedHeader" || kind === "wrappedCookie";
  const what = kind === "wrappedHeader" ? "header" : kind === "wrappedCookie" ? "cookie" : kind;
  return draftFinding("unsealed-token", object, at, {
    // Whoever wraps hands the application a value that clients could have written.
    ...(wraps ? { severity: "warning" } : {}),
    message: `the ${what} ${name} shows the endpoint's address to the client, who can also change it`,
    expected: "a sealed token, or endpoints whose addresses may be known",
    hint: `${asksForEnvoy ? "remove format: envoy and " : ""}run the gateway with --session-keys FILE, or use it where clients may know and choose the endpoint`,
  });
}

/** What frameworks and servers call their own sessions unless told otherwise; lower case. */
const OF_APPLICATIONS: ReadonlySet<string> = new Set([
  "asp.net_sessionid",
  "cfid",
  "cftoken",
  "connect.sid",
  "jsessionid",
  "koa.sess",
  "laravel_session",
  "mcp-session-id",
  "phpsessid",
  "sessionid",
  "_session_id",
]);

function isOfApplications({ kind, name }: SessionCarrier): boolean {
  return (kind === "cookie" || kind === "header") && OF_APPLICATIONS.has(name.toLowerCase());
}

function nameOfApplications(
  { object }: Reading,
  at: FieldPath,
  { kind, name }: SessionCarrier,
): FindingDraft {
  return draftFinding("session-name-collision", object, at, {
    message: `applications call their own sessions ${name}, and each would overwrite the other's`,
    expected: `a ${kind} that no application uses`,
    hint: `write another name, or wrap the application's session with an AffinityPolicy: wrap: {${kind}: ${name}}`,
  });
}
