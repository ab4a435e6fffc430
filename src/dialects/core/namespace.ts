// Namespace: its labels decide which routes a listener takes, where the listener selects namespaces.
import { z } from "zod";
import { defineKind } from "../schema/kind.ts";

export const NAMESPACE = defineKind(
  { group: "", kind: "Namespace", versions: ["v1"], namespaced: false },
  { spec: z.unknown().optional() },
);
