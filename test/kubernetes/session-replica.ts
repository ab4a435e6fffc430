// What runs in the pods of the sessions' application: it tells who watches when it comes and goes, and stops as servers should.
import { request } from "node:http";
import { RolloutReplica } from "../rollout/replica.ts";
import { REPLICA_PORT, type ReplicaNews } from "./session-application.ts";

const { POD_NAME = "", REGISTER = "" } = process.env;

/** Resolves once it has been heard. */
function tell(news: ReplicaNews): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(REGISTER, { method: "POST", agent: false }, (response) => {
      response.resume().once("end", resolve);
    });
    call.once("error", reject);
    call.end(JSON.stringify(news));
  });
}

const replica = new RolloutReplica(POD_NAME, REPLICA_PORT, "0.0.0.0");
process.once("SIGTERM", async () => {
  await tell({ replica: POD_NAME, phase: "leaves" });
  await replica.leave();
  process.exit(0);
});
await tell({ replica: POD_NAME, phase: "stays" });
await replica.open();
