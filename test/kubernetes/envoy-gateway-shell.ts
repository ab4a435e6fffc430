// The shell of Envoy Gateway's tutorial as it is printed there, but for the address: what its two tests print.
import type { TutorialStage } from "./tutorial-stage.ts";

export interface ShellResult {
  /** With the session. */
  readonly during: readonly string[];
  /** Once it has expired, or without it. */
  readonly after: readonly string[];
}

const BORDER = "---";

/** @param address `host:port` of the gateway */
export async function playCookie(stage: TutorialStage, address: string): Promise<ShellResult> {
  await begins(stage, address, "set-cookie");
  return play(
    stage,
    `COOKIE=$(curl --verbose http://${address}/get 2>&1 | grep "set-cookie" | awk '{print $3}')
     for i in \`seq 5\`; do
       curl -H "Cookie: $COOKIE" http://${address}/get 2>/dev/null | grep pod
     done
     echo "${BORDER}"
     sleep 10 && for i in \`seq 5\`; do
       curl -H "Cookie: $COOKIE" -H "Host: www.example.com" http://${address}/get 2>/dev/null | grep pod
     done
     for i in \`seq 25\`; do
       curl -H "Cookie: $COOKIE" -H "Host: www.example.com" http://${address}/get 2>/dev/null | grep pod
     done`,
  );
}

/** @param address `host:port` of the gateway */
export async function playHeader(stage: TutorialStage, address: string): Promise<ShellResult> {
  await begins(stage, address, "session-a");
  return play(
    stage,
    `HEADER=$(curl --verbose http://${address}/get 2>&1 | grep "session-a" | awk '{print $3}')
     for i in \`seq 5\`; do
       curl -H "Session-A: $HEADER" http://${address}/get 2>/dev/null | grep pod
     done
     echo "${BORDER}"
     for i in \`seq 30\`; do
       curl http://${address}/get 2>/dev/null | grep pod
     done`,
  );
}

async function play(stage: TutorialStage, script: string): Promise<ShellResult> {
  const lines = (await stage.shell(script)).split("\n").map((line) => line.trim());
  const border = lines.indexOf(BORDER);
  return { during: lines.slice(0, border), after: lines.slice(border + 1) };
}

/** One replica writes to the route's status what it has heard; the other one has to hear of it too. */
async function begins(
  stage: TutorialStage,
  address: string,
  name: "set-cookie" | "session-a",
): Promise<void> {
  const names = new Array(20).fill(name).join("\n");
  const ask = `for i in {1..20}; do curl -si http://${address}/get | grep -oE '^(set-cookie|session-a)'; done`;
  await stage.eventually(ask, (printed) => printed === names);
}
