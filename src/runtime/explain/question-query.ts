// A question of `limpet explain` as the query of a URL, on its way to the admin port of a running gateway.
import type { QuestionTexts } from "./question.ts";

export function questionQuery({
  request,
  headers,
  client,
  local,
  at,
  refusing,
}: QuestionTexts): URLSearchParams {
  const query = new URLSearchParams({ request });
  for (const header of headers) query.append("header", header);
  for (const [name, value] of Object.entries({ client, local, at })) {
    if (value !== undefined) query.append(name, value);
  }
  for (const endpoint of refusing) query.append("refusing", endpoint);
  return query;
}

export function questionOfQuery(query: URLSearchParams): QuestionTexts {
  return {
    request: query.get("request") ?? "",
    headers: query.getAll("header"),
    client: query.get("client") ?? undefined,
    local: query.get("local") ?? undefined,
    at: query.get("at") ?? undefined,
    refusing: query.getAll("refusing"),
  };
}
