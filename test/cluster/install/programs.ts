// What the test cluster runs: the control plane, kubectl, etcd, and the backend of the conformance suite.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cached } from "./cache.ts";
import { buildPrograms, type GoModule, goModOf } from "./go-modules.ts";

export const KUBERNETES_VERSION = "1.34.4";
const ECHO_VERSION = "1.6.3";

const KUBERNETES: GoModule = { path: "k8s.io/kubernetes", version: `v${KUBERNETES_VERSION}` };

/** Paths of programs. */
export interface Programs {
  readonly kubeApiserver: string;
  readonly kubeControllerManager: string;
  readonly kubectl: string;
  readonly etcd: string;
  readonly echoBasic: string;
}

/** Makes what is missing: minutes the first time, nothing later. */
export async function installPrograms(progress: (line: string) => void): Promise<Programs> {
  const etcd = await installEtcd(progress);
  const kubernetes = await cached(`kubernetes-${KUBERNETES_VERSION}`, (folder) => {
    progress(
      `building Kubernetes ${KUBERNETES_VERSION}; the first time takes about five minutes on two cores`,
    );
    return buildKubernetes(folder, progress);
  });
  const echo = await cached(`echo-basic-${ECHO_VERSION}`, (folder) => {
    progress(`building echo-basic ${ECHO_VERSION}`);
    return buildEcho(folder, progress);
  });
  return {
    kubeApiserver: join(kubernetes, "kube-apiserver"),
    kubeControllerManager: join(kubernetes, "kube-controller-manager"),
    kubectl: join(kubernetes, "kubectl"),
    etcd,
    echoBasic: join(echo, "echo-basic"),
  };
}

function buildKubernetes(folder: string, progress: (line: string) => void): Promise<void> {
  const { version } = KUBERNETES;
  const [major = "", minor = ""] = KUBERNETES_VERSION.split(".");
  const staging = goModOf(KUBERNETES).matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging\//gm);
  return buildPrograms(
    {
      requires: [KUBERNETES],
      // Published beside the main module, with a zero in front.
      replaces: new Map([...staging].map(([, path]) => [path as string, version.replace("v1.", "v0.")])),
      packages: ["kube-apiserver", "kube-controller-manager", "kubectl"].map(
        (name) => `${KUBERNETES.path}/cmd/${name}`,
      ),
      variables: {
        "k8s.io/component-base/version.gitVersion": version,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": version,
      },
    },
    folder,
    progress,
  );
}

function buildEcho(folder: string, progress: (line: string) => void): Promise<void> {
  const suite = "sigs.k8s.io/gateway-api";
  return buildPrograms(
    {
      requires: [
        { path: suite, version: `v${ECHO_VERSION}` },
        { path: `${suite}/conformance`, version: `v${ECHO_VERSION}` },
      ],
      packages: [`${suite}/conformance/echo-basic`],
    },
    folder,
    progress,
  );
}

/** The machine's own if there is one, else Debian's, unpacked and not installed. */
async function installEtcd(progress: (line: string) => void): Promise<string> {
  const own = spawnSync("sh", ["-c", "command -v etcd"], { encoding: "utf8" }).stdout.trim();
  if (own !== "") return own;
  const folder = await cached("etcd", (unfinished) => {
    progress("fetching etcd");
    const download = "apt-get download -q etcd-server";
    const unpack = "dpkg -x etcd-server_*.deb . && rm etcd-server_*.deb";
    const fetch = `{ ${download} || { apt-get update -q && ${download}; }; } && ${unpack}`;
    const { status, stderr, error } = spawnSync("sh", ["-c", fetch], { cwd: unfinished, encoding: "utf8" });
    if (status !== 0 || !existsSync(join(unfinished, "usr/bin/etcd")))
      throw new Error(
        `etcd could not be had: ${error?.message ?? stderr.trim()}. Put an etcd (3.4 or later) into PATH.`,
      );
  });
  return join(folder, "usr/bin/etcd");
}
