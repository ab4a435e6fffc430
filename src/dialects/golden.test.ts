// Golden cases: every folder of testdata/translate holds resources and what they become. `npm run golden` rewrites them.
import { createHash, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { type Condition, FINDING_CODES, type ObjectStatus, objectText } from "../model/index.ts";
import { translate } from "./translate.ts";
import type { Translation } from "./translation.ts";
import { readResources } from "./yaml/read-resources.ts";

const CASES = resolve(import.meta.dirname, "../../testdata/translate");
const REWRITE = process.env["UPDATE_GOLDEN"] === "1";

/** Object references, conditions and certificates as text: a golden file is read by people. */
function readable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value === "string") return withoutPem(value);
  if (typeof value !== "object" || value === null) return value;
  if ("kind" in value && "namespace" in value && "name" in value && "group" in value) {
    const { group, kind, namespace, name } = value as Record<"group" | "kind" | "namespace" | "name", string>;
    return objectText({ group, kind, namespace, name });
  }
  if ("reason" in value && "type" in value && "status" in value) {
    const { type, status, reason, message } = value as unknown as Condition;
    return `${type} ${status}, ${reason}: ${message}`;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item)]));
}

/** Certificates by their subjects; of a key only what tells it from others. */
function withoutPem(text: string): string {
  if (text.includes("PRIVATE KEY-----")) {
    return `key with SHA-256 ${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n/g);
  if (certificates?.join("") !== text) return text;
  return certificates.map((pem) => `certificate of ${new X509Certificate(pem).subject}`).join(", ");
}

function goldenText({ snapshot, statuses, findings }: Translation): string {
  const told = findings.map(({ severity, code, object, path, source, ...text }) => ({
    [`${severity} ${code}`]: [object === undefined ? "" : objectText(object), path].join(" ").trim(),
    ...(source === undefined ? {} : { at: `${source.file}:${source.line}:${source.column}` }),
    ...text,
  }));
  return stringify(
    {
      snapshot: readable(withoutEmpty(snapshot)),
      statuses: readable(statuses.map(withoutFeatures)),
      findings: told,
    },
    {
      aliasDuplicateObjects: false,
      lineWidth: 0,
    },
  );
}

/** The same in all cases. */
function withoutFeatures({ supportedFeatures: _, ...status }: ObjectStatus): object {
  return status;
}

/** Most cases have no TLS routes, and need not say so. */
function withoutEmpty({ tlsRoutes, ...rest }: Translation["snapshot"]): object {
  return tlsRoutes.length === 0 ? rest : { ...rest, tlsRoutes };
}

function translateFolder(folder: string): Translation {
  const inputs = readdirSync(folder)
    .filter((name) => !name.startsWith("out."))
    .sort();
  const read = inputs.map((name) => readResources(name, readFileSync(join(folder, name), "utf8")));
  const nowMs = Date.parse("2026-06-01T00:00:00Z");
  const options = {
    nowMs,
    ...(folder.endsWith("-in-kubernetes") ? { controllerName: "limpet.dev/gateway" } : {}),
    ...(folder.endsWith("-with-keys") ? { sealTokens: true } : {}),
  };
  const translation = translate(
    read.flatMap(({ resources }) => resources),
    options,
  );
  return { ...translation, findings: [...read.flatMap(({ findings }) => findings), ...translation.findings] };
}

const cases = readdirSync(CASES).sort();

test("every finding is shown by a case", () => {
  const shown = cases.map((name) => readFileSync(join(CASES, name, "out.yaml"), "utf8")).join("");
  // A last good form needs a translation before this one; translate.test.ts has it.
  const codes = Object.keys(FINDING_CODES).filter((code) => code !== "last-good-form");
  expect(codes.filter((code) => !shown.includes(` ${code}: `))).toEqual([]);
});

/** Of PEM as it is, or in base64, what no translation may tell. */
const UNHIDDEN = /-----BEGIN [A-Z ]*-----(?! and so on)|LS0tLS1CRUdJTi/;

test.each(cases)("%s", (name) => {
  const folder = join(CASES, name);
  const actual = goldenText(translateFolder(folder));
  expect(actual).not.toMatch(UNHIDDEN);
  if (REWRITE) writeFileSync(join(folder, "out.yaml"), actual);
  expect(actual).toBe(readFileSync(join(folder, "out.yaml"), "utf8"));
});
