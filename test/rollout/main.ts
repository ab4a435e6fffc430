// A rollout to watch: `node test/rollout/main.ts --help` tells the flags. Exit code 1 if a session or a request is lost.
import { parseArgs } from "node:util";
import { rollOut } from "./rollout.ts";

const HELP = `node test/rollout/main.ts [flags]

  --sessions N      there before the rollout begins (10000)
  --newcomers N     sessions that begin as a new endpoint comes, and again as the old one drains (100)
  --gateways N      limpet run processes with one key file, behind one TCP balancer (3)
  --endpoints N     (6)
  --replacements N  endpoints that drain, leave and are replaced, one after the other (6)
  --restarts N      of each gateway (1)
  --reject STATUS   answer sessions whose endpoint is gone with it, in place of moving them
`;

const { values } = parseArgs({
  options: {
    sessions: { type: "string", default: "10000" },
    newcomers: { type: "string", default: "100" },
    gateways: { type: "string", default: "3" },
    endpoints: { type: "string", default: "6" },
    replacements: { type: "string", default: "6" },
    restarts: { type: "string", default: "1" },
    reject: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  const { failures, ...report } = await rollOut({
    sessions: Number(values.sessions),
    newcomers: Number(values.newcomers),
    gateways: Number(values.gateways),
    replicas: Number(values.endpoints),
    replacements: Number(values.replacements),
    restarts: Number(values.restarts),
    onLost: values.reject === undefined ? "reassign" : Number(values.reject),
    say: (line) => process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s: ${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  for (const failure of failures) process.stdout.write(`${failure}\n`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
