#!/usr/bin/env node
// Entry of the command: checks the version of Node.js before anything else is loaded, then runs the command line.

const OLDEST = [22, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `error: limpet needs Node.js ${OLDEST.join(".")} or later; this is ${process.versions.node}\n`,
  );
  process.exitCode = 1;
} else {
  // `limpet validate | head`: who stops reading has seen enough.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const { main } = await import("./main.ts");
  const code = await main(process.argv.slice(2));
  process.exitCode = code;
  // Ended by a second signal: nothing that is still open may hold the process.
  if (code >= 128) process.exit();
}
