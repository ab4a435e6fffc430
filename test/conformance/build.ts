// Builds the test binary of a version of the official suite, with the cases of GEP-1619 in it, once.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "../cluster/install/cache.ts";
import { go } from "../cluster/install/go-modules.ts";

export const SUITE_VERSIONS = ["1.6.3", "1.7.0"] as const;
export type SuiteVersion = (typeof SUITE_VERSIONS)[number];

/** Path of the binary; minutes the first time. */
export async function suiteBinary(version: SuiteVersion, progress: (line: string) => void): Promise<string> {
  const module = join(import.meta.dirname, "official", `v${version}`);
  const sources = digestOf([module, join(import.meta.dirname, "gep1619")]);
  const folder = await cached(`conformance-${version}-${sources}`, async (unfinished) => {
    progress(
      `building the conformance suite ${version}; the first time takes about two minutes on two cores`,
    );
    // A version of Go that the suite asks for and the machine does not have comes as a Go module.
    await go(["test", "-c", "-o", join(unfinished, "conformance"), "."], module, progress, {
      GOTOOLCHAIN: "auto",
    });
  });
  return join(folder, "conformance");
}

function digestOf(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile())
        hash.update(`${entry.name}\n`).update(readFileSync(join(entry.parentPath, entry.name)));
    }
  }
  return hash.digest("hex").slice(0, 8);
}
