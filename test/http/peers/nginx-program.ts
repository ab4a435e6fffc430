// A real nginx as a process: one worker that writes nothing outside its folder, with whatever servers it is given.
import { type RunningPeer, startProgram } from "./peer.ts";

export const NGINX = "/usr/sbin/nginx";

/**
 * Resolves when these ports accept; the caller stops it.
 * @param http what its `http` block holds, and what it needs in its folder
 */
export function startNginxProgram(
  http: (folder: string) => string,
  ports: readonly number[],
): Promise<RunningPeer> {
  const text = (folder: string) => configuration(folder, http(folder));
  const args = (path: string, folder: string) => ["-p", folder, "-c", path, "-e", `${folder}/error.log`];
  return startProgram(NGINX, { name: "nginx.conf", text }, args, ports);
}

function configuration(folder: string, http: string): string {
  // Its worker would lose the right to read the folder, which is the user's own.
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  return `${user}daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
${http}}
`;
}
