// The applications of the tutorials: the real httpbin, and the echo that Envoy Gateway's quickstart brings.

/** Of the getting-started pages of kgateway, Gloo and Istio: Service port 8000. */
export function httpbin(namespace: string, image = "docker.io/mccutchen/go-httpbin:v2.14.0"): string {
  return application({ name: "httpbin", namespace, image, port: 8000, targetPort: 8080 });
}

/** Says in its answers which pod it is. */
export function echo(namespace: string): string {
  const image = "gcr.io/k8s-staging-gateway-api/echo-basic:v20231214-v1.0.0-140-gf544a46e";
  return application({ name: "backend", namespace, image, port: 3000, targetPort: 3000 });
}

interface Application {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly port: number;
  readonly targetPort: number;
}

function application({ name, namespace, image, port, targetPort }: Application): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers:
        - name: ${name}
          image: ${image}
          ports: [{containerPort: ${targetPort}}]
          env:
            - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
            - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
          readinessProbe: {tcpSocket: {port: ${targetPort}}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {app: ${name}}
  ports: [{name: http, port: ${port}, targetPort: ${targetPort}}]
`;
}
