// Labels by which others than Kubernetes are told to keep clients on the endpoints of a Service.
import { z } from "zod";
import { checked, type FieldProblem } from "../schema/fields.ts";

/** Of Istio, where PILOT_ENABLE_PERSISTENT_SESSION_FILTER is set. */
const COOKIE = "istio.io/persistent-session";
const HEADER = "istio.io/persistent-session-header";

export const serviceLabels = checked(
  z.record(z.string(), z.string()),
  ({ [COOKIE]: cookie = "", [HEADER]: header = "" }) => {
    const problems: FieldProblem[] = [];
    if (cookie !== "") {
      // The path behind the name; without one it is /.
      const [name = "", path = "/"] = cookie.split(":");
      const fields = path === "/" || path === "" ? `name: ${name}` : `name: ${name}, path: ${path}`;
      problems.push(unread(COOKIE, `session: {cookie: {${fields}}}`));
    }
    if (header !== "") problems.push(unread(HEADER, `session: {header: {name: ${header}}}`));
    return problems;
  },
).default({});

function unread(label: string, session: string): FieldProblem {
  return {
    path: [label],
    code: "field-ignored",
    severity: "warning",
    message: "labels of a Service begin no session here, as they do in Istio if it is told to look at them",
    expected: "an AffinityPolicy for the Service",
    hint: `write an AffinityPolicy with ${session} whose target is the Service`,
  };
}
