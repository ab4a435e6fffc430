// Finds TCP ports that nobody uses, below the range from which the kernel takes ports for outgoing connections.
import { createServer } from "node:net";

const LOWEST = 10_000;
const HIGHEST = 32_000;

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** So many different ports, each free on all addresses at the moment of asking. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (!ports.has(port) && (await canListen(port))) ports.add(port);
  }
  return [...ports];
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
