// The programs that people install with: kustomize and Helm themselves, built from their Go modules.
import { goInstall } from "../../scripts/go-install.ts";

/** The version that is inside kubectl 1.34. */
export function kustomize(): string {
  return goInstall("sigs.k8s.io/kustomize/kustomize/v5", "kustomize", "v5.7.1");
}

export function helm(): string {
  return goInstall("helm.sh/helm/v4/cmd/helm", "helm", "v4.3.1");
}
