// The Date of responses that came without one, made once a second; RFC 9110 section 6.6.1.

let second = -1;
let text = "";

export function httpDate(wallMs: number): string {
  const now = Math.floor(wallMs / 1000);
  if (now !== second) {
    second = now;
    text = new Date(now * 1000).toUTCString();
  }
  return text;
}
