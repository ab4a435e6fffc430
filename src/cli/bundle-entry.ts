// Entry of the bundle: one file that is the command, and the worker that the command starts.
import { WORKER_ARGUMENT } from "../runtime/bundle.ts";

if (process.argv[2] === WORKER_ARGUMENT) await import("../runtime/processes/worker-entry.ts");
else await import("./bin.ts");
