// Credentials out of files that others write anew from time to time: tokens of service accounts, client certificates.
import { readFile } from "node:fs/promises";
import {
  bearer,
  CredentialError,
  type CredentialSource,
  RememberedCredentials,
  type TlsSettings,
} from "./credentials.ts";

/** A value by itself, or the file that it stands in. */
export type TextSource = { readonly text: string } | { readonly file: string };

export interface FileCredentialOptions {
  readonly token?: TextSource;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly ca?: TextSource;
  readonly cert?: TextSource;
  readonly key?: TextSource;
  /** What stands in no file. */
  readonly tls: Pick<TlsSettings, "servername" | "rejectUnauthorized">;
}

/** Kubelet writes a new token long before the old one ends; client-go looks as often. */
const REREAD_AFTER_MS = 60_000;

export function fileCredentials(options: FileCredentialOptions, nowMs: () => number): CredentialSource {
  const { basic, tls } = options;
  return new RememberedCredentials(async () => {
    const untilMs = nowMs() + REREAD_AFTER_MS;
    const [token, ca, cert, key] = await Promise.all([
      textOf(options.token),
      textOf(options.ca),
      textOf(options.cert),
      textOf(options.key),
    ]);
    const authorization =
      token !== undefined
        ? bearer(token)
        : basic && `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString("base64")}`;
    const credentials = {
      ...(authorization === undefined ? {} : { authorization }),
      tls: {
        ...tls,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      },
    };
    return { credentials, untilMs };
  }, nowMs);
}

async function textOf(source: TextSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  if ("text" in source) return source.text;
  try {
    return await readFile(source.file, "utf8");
  } catch (cause) {
    throw new CredentialError(`${source.file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
