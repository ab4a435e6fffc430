// Kinds that stand beside a gateway's configuration in people's manifests and are none of a gateway's business.

const CLUSTER_SCOPED: Readonly<Record<string, readonly string[]>> = {
  "": ["Namespace", "Node", "PersistentVolume"],
  "gateway.networking.k8s.io": ["GatewayClass"],
  "gateway.networking.x-k8s.io": ["XMesh"],
  "apiextensions.k8s.io": ["CustomResourceDefinition"],
  "rbac.authorization.k8s.io": ["ClusterRole", "ClusterRoleBinding"],
  "admissionregistration.k8s.io": ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
  "scheduling.k8s.io": ["PriorityClass"],
  "storage.k8s.io": ["StorageClass"],
};

const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  "": ["ServiceAccount", "PersistentVolumeClaim", "PersistentVolume", "Node"],
  apps: ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"],
  batch: ["Job", "CronJob"],
  autoscaling: ["HorizontalPodAutoscaler"],
  policy: ["PodDisruptionBudget"],
  "rbac.authorization.k8s.io": ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
  "networking.k8s.io": ["NetworkPolicy"],
  "apiextensions.k8s.io": ["CustomResourceDefinition"],
  "scheduling.k8s.io": ["PriorityClass"],
  "storage.k8s.io": ["StorageClass"],
};

/** Whether objects of the kind have no namespace. */
export function isClusterScoped(group: string, kind: string): boolean {
  return CLUSTER_SCOPED[group]?.includes(kind) ?? false;
}

/** Whether a gateway can pass over the kind without anybody missing anything. */
export function isHarmless(group: string, kind: string): boolean {
  return HARMLESS[group]?.includes(kind) ?? false;
}
