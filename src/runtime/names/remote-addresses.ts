// Keeps names from leading to the machine itself, where somebody else than its operator may name them.
import { isLocalAddress, parseIp } from "../../model/index.ts";
import type { ResolveName } from "./name-resolver.ts";

/** `code` of the error where a name has local addresses only. */
export const LOCAL_ADDRESSES = "ELOCAL";

/**
 * Resolves as `resolve` does, without loopback and link-local addresses: whoever may write a Service could else reach the
 * admin port or the metadata service of a cloud by a name of his own.
 */
export function remoteAddresses(resolve: ResolveName): ResolveName {
  return async (host) => {
    const resolution = await resolve(host);
    const remote = resolution.addresses.filter((address) => !isLocalAddress(parseIp(address) ?? []));
    if (remote.length === 0) {
      const error: NodeJS.ErrnoException = new Error(`${host} leads to this machine or its link only`);
      error.code = LOCAL_ADDRESSES;
      throw error;
    }
    return { ...resolution, addresses: remote };
  };
}
