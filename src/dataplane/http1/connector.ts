// Opens HTTP/1.1 connections to endpoints.
import type { DataplaneOptions } from "../options.ts";
import type { Connector } from "../upstream-connection.ts";
import type { DeadlineSweep } from "./deadline-sweep.ts";

/** Plain TCP to the endpoint's address. */
export declare function http1Connector(options: DataplaneOptions, sweep: DeadlineSweep): Connector;
