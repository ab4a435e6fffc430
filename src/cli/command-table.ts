// The commands that there are: their flags and examples, and how each is called with what was typed.
import type { Command } from "commander";
import { LIMPET_VERSION } from "../runtime/version.ts";
import { demoCommand } from "./commands/demo.ts";
import { drainCommand } from "./commands/drain.ts";
import { explainCommand } from "./commands/explain.ts";
import { runCommand } from "./commands/run.ts";
import { tokenKeygen } from "./commands/token-keygen.ts";
import { tokenOpen } from "./commands/token-open.ts";
import { tokenSeal } from "./commands/token-seal.ts";
import { validate } from "./commands/validate.ts";
import type { FlagTable } from "./flag.ts";
import { readFlags, refuseFlags } from "./flag-options.ts";
import {
  DEMO_FLAGS,
  DRAIN_FLAGS,
  EXPLAIN_FILES_FLAGS,
  EXPLAIN_FLAGS,
  OUTPUT_FLAGS,
  RUN_FLAGS,
  TOKEN_OPEN_FLAGS,
  TOKEN_SEAL_FLAGS,
  VALIDATE_FLAGS,
} from "./flags.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

export interface CommandDescription {
  /** Two words name a command of a group: see `GROUPS`. */
  readonly name: string;
  /** What stands behind the name, such as `<TOKEN>`; `run` finds it in `command.args`. */
  readonly argument?: string;
  readonly summary: string;
  readonly flags: FlagTable;
  /** Command lines with what they do; shown in `--help`. */
  readonly examples: readonly (readonly [command: string, does: string])[];
  /** Undefined: registered, and refused until it is built. */
  readonly run?: (command: Command, terminal: Terminal) => Promise<number>;
}

export const COMMANDS: readonly CommandDescription[] = [
  {
    name: "run",
    summary: "Serve the Gateways of files, and reload when they change.",
    flags: RUN_FLAGS,
    examples: [
      ["limpet run -f manifests/", "a folder, searched in depth"],
      ["limpet run -f gateway.yaml routes/ --port-offset 8000", "port 80 becomes 8080"],
      ["limpet run -f . --access-log off --workers 4", "four processes, no access log"],
      ["kill -HUP PID", "reload by hand; kill PID drains and ends"],
    ],
    run: (command, terminal) => {
      const flags = { ...readFlags(command, RUN_FLAGS), ...outputOf(command) };
      if (!flags.kubernetes) {
        const names = ["gateway-service-type", "session-keys-secret"];
        refuseFlags(command, names, "is for --kubernetes: add that, or leave it out");
      }
      return runCommand(flags, LIMPET_VERSION, terminal);
    },
  },
  {
    name: "validate",
    summary: "Tell everything there is to say about a configuration; exit code 1 if any of it is an error.",
    flags: VALIDATE_FLAGS,
    examples: [
      ["limpet validate -f gateway.yaml", "one line a finding: path:line:column: severity: ..."],
      ["limpet validate -f . --json", "for programs"],
    ],
    run: (command, terminal) => {
      const { file, sessionKeys } = readFlags(command, VALIDATE_FLAGS);
      if (file.length === 0) throw new UsageError("nothing to validate: give -f PATH");
      return validate({ paths: file, sessionKeys, output: outputOf(command).output }, terminal);
    },
  },
  {
    name: "demo",
    summary: "Start a gateway with a sample backend of four replicas, and say what to try.",
    flags: DEMO_FLAGS,
    examples: [
      ["limpet demo", "the gateway is on http://127.0.0.1:8080"],
      ["limpet demo --port 9090", "somewhere else"],
      [
        "limpet demo -f examples/istio-consistent-hash/{backend,gateway,cookie}.yaml",
        "a tutorial, with its replicas",
      ],
    ],
    run: (command, terminal) => {
      const flags = { ...readFlags(command, DEMO_FLAGS), ...outputOf(command) };
      if (flags.file.length > 0) {
        refuseFlags(
          command,
          ["port"],
          "is for the demo's own configuration: a Gateway of -f says its port itself",
        );
      }
      return demoCommand(flags, LIMPET_VERSION, terminal);
    },
  },
  {
    name: "explain",
    summary: "Say where one request would go, and why.",
    flags: EXPLAIN_FLAGS,
    examples: [
      ["limpet explain -f manifests/ --request 'GET http://shop.example/cart'", "by files"],
      [
        "limpet explain --admin 127.0.0.1:9900 --request 'GET http://127.0.0.1:8080/get' -H 'cookie: home=...'",
        "by a gateway that runs",
      ],
      [
        "limpet explain -f . --request 'GET http://shop.example/' --refusing 10.0.0.1:8080",
        "if that endpoint were down",
      ],
      [
        "limpet explain -f . --request 'GET http://shop.example/' --client 203.0.113.7 --at 2026-01-01T00:00:00Z",
        "somebody else, at another time",
      ],
    ],
    run: (command, terminal) => {
      const flags = { ...readFlags(command, EXPLAIN_FLAGS), output: outputOf(command).output };
      if (flags.admin !== undefined && flags.file.length === 0) {
        refuseFlags(
          command,
          Object.keys(EXPLAIN_FILES_FLAGS),
          "is for -f: the gateway of --admin goes by its own",
        );
      }
      return explainCommand(flags, terminal);
    },
  },
  {
    name: "drain",
    argument: "[ENDPOINT]",
    summary:
      "Have a gateway that runs send no new sessions to an endpoint (ip:port, ip, or the name of a pod or host), until that is undone or the gateway is restarted.",
    flags: DRAIN_FLAGS,
    examples: [
      ["limpet drain carts-2", "a pod; its sessions stay, up to their drain timeout"],
      ["timeout 60 limpet drain 10.0.0.7:8080 --wait", "and come back when nothing is in flight there"],
      ["limpet drain carts-2 --undo", "new sessions go there again"],
      ["limpet drain --list --admin 127.0.0.1:9901", "who drains, at another gateway"],
    ],
    run: (command, terminal) => {
      const flags = { ...readFlags(command, DRAIN_FLAGS), output: outputOf(command).output };
      return drainCommand({ ...flags, endpoint: command.args[0] }, terminal);
    },
  },
  { name: "simulate", summary: "Say who moves when endpoints come or go.", flags: {}, examples: [] },
  { name: "convert", summary: "Turn one dialect into another.", flags: {}, examples: [] },
  {
    name: "token open",
    summary: "Look into a session token: which endpoint, since when, how long yet, sealed with which key.",
    argument: "<TOKEN>",
    flags: TOKEN_OPEN_FLAGS,
    examples: [
      [
        "limpet token open TOKEN -f manifests/ --session-keys keys",
        "under the scope of any session of these files",
      ],
      [
        "limpet token open 'home=\"...\"' -f manifests/ --session-keys keys",
        "a cookie as it stands in a request",
      ],
      [
        "limpet token open TOKEN --scope HTTPRoute/default/shop/cart/home --session-keys keys",
        "without files",
      ],
      ["limpet token open -", "from standard input; tokens in Envoy's formats need no key"],
    ],
    run: (command, terminal) => {
      const { file: paths, sessionKeys, scope, at } = readFlags(command, TOKEN_OPEN_FLAGS);
      const nowSec = Math.floor((at ?? Date.now()) / 1000);
      const { output } = outputOf(command);
      return tokenOpen({ text: command.args[0] ?? "", paths, sessionKeys, scope, nowSec, output }, terminal);
    },
  },
  {
    name: "token seal",
    summary: "Make a session token, for tests and to bring sessions over from another system.",
    flags: TOKEN_SEAL_FLAGS,
    examples: [
      [
        "limpet token seal --endpoint 10.0.0.1:8080 -f manifests/ --session-keys keys",
        "for the one session of these files",
      ],
      [
        "limpet token seal --endpoint 10.0.0.1:8080 --uid $UID --scope $SCOPE --session-keys keys",
        "for one pod",
      ],
    ],
    run: (command, terminal) => {
      const { file: paths, begun, lastSeen, expires, ...flags } = readFlags(command, TOKEN_SEAL_FLAGS);
      const times = {
        begunSec: wholeSeconds(begun) ?? Math.floor(Date.now() / 1000),
        lastSeenSec: wholeSeconds(lastSeen),
        expiresSec: wholeSeconds(expires),
      };
      return tokenSeal({ ...flags, ...times, paths, output: outputOf(command).output }, terminal);
    },
  },
  {
    name: "token keygen",
    summary: "Make a key that seals session tokens, as a line of a key file.",
    flags: {},
    examples: [
      ["(umask 077; limpet token keygen > keys)", "a key file that nobody else may read"],
      ["limpet token keygen >> keys", "one more key, which only opens tokens until it is put first"],
    ],
    run: async (command, terminal) => tokenKeygen(outputOf(command), terminal),
  },
];

/** What commands of two words have in common. */
export const GROUPS: Readonly<Record<string, string>> = {
  token: "Look into session tokens, make tokens and keys.",
};

function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}

/** `--output`, with `--json` as its short form. */
function outputOf(command: Command): { output: "text" | "json"; json: boolean } {
  const { output, json } = readFlags(command, OUTPUT_FLAGS);
  return { output: json ? "json" : output, json };
}
