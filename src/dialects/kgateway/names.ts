// The group of kgateway.

export const KGATEWAY_GROUP = "gateway.kgateway.dev";
