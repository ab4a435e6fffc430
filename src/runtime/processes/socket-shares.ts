// Which worker accepts on which of a bind point's sockets.

/**
 * Answers, for each serving worker, the numbers of the sockets that it accepts on. Worker 1 of 4 has the first of 4
 * sockets to itself, and so on; with fewer sockets than workers some share. A socket whose workers are all gone goes to
 * a neighbour, so that nobody waits in its queue for long.
 * @param sockets how many there are, numbered from 0
 * @param serving numbers of the workers that serve, counted from 1
 * @param workers how many there are to be
 */
export function socketShares(
  sockets: number,
  serving: readonly number[],
  workers: number,
): ReadonlyMap<number, readonly number[]> {
  const shares = new Map<number, number[]>(serving.map((worker) => [worker, []]));
  for (let socket = 0; socket < sockets; socket++) {
    const owners = serving.filter((worker) =>
      sockets < workers ? (worker - 1) % sockets === socket : socket % workers === worker - 1,
    );
    const neighbour = serving[socket % serving.length];
    const takers = owners.length > 0 || neighbour === undefined ? owners : [neighbour];
    for (const worker of takers) shares.get(worker)?.push(socket);
  }
  return shares;
}
