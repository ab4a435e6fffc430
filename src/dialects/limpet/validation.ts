// Cross-field rules in CEL, for the CustomResourceDefinition that is made from a schema; here they are checked as code.

/** What an API server checks: rule and message of each. To be spread into the `meta` of an object's schema. */
export function validation(...rules: readonly (readonly [rule: string, message: string])[]) {
  return { "x-kubernetes-validations": rules.map(([rule, message]) => ({ rule, message })) };
}
