// The addresses under which other machines may reach this one, best first.
// Link-local ones are left out: they mean something only together with an interface of the reader.
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/** More than this makes an invite long and adds nothing. */
const maxAddresses = 8;

/**
 * This machine's addresses for an invite: real interfaces before virtual bridges, IPv4 before IPv6; loopback only when
 * there is nothing else.
 */
export function listAddresses(
  interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]> = networkInterfaces(),
): readonly string[] {
  const found = Object.entries(interfaces).flatMap(([name, infos]) => (infos ?? []).map((info) => ({ name, ...info })));
  const rank = (it: { name: string; family: string }): number =>
    (/^(docker|br-|virbr|veth|lxc|cni|podman)/.test(it.name) ? 2 : 0) + (it.family === 'IPv4' ? 0 : 1);
  const reachable = found
    .filter((it) => !it.internal && !/^(169\.254\.|fe[89ab])/i.test(it.address))
    .sort((a, b) => rank(a) - rank(b));
  const chosen = reachable.length > 0 ? reachable : found.filter((it) => it.internal);
  return [...new Set(chosen.map((it) => it.address))].slice(0, maxAddresses);
}
