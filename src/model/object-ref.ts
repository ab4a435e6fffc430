// Names a configuration object, in the form that findings, statuses, logs and token scopes print.

/** Identity of a configuration object. `group` is "" for the core API; `namespace` is "" for cluster-scoped kinds. */
export interface ObjectRef {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** `HTTPRoute/default/shop`; cluster-scoped objects have two parts: `GatewayClass/limpet`. */
export function objectText(object: ObjectRef): string {
  return object.namespace === ""
    ? `${object.kind}/${object.name}`
    : `${object.kind}/${object.namespace}/${object.name}`;
}

/** A key that is unique over groups too, for maps. */
export function objectKey(object: ObjectRef): string {
  return `${object.group}/${object.kind}/${object.namespace}/${object.name}`;
}
