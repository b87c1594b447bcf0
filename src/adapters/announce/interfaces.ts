// The network interfaces that multicast goes through: each once per IP family, loopback included, so that several agents
// of one machine hear each other without any network.
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

export interface Link {
  /** `eth0` */
  readonly name: string;
  readonly family: 'IPv4' | 'IPv6';
  /** What the system wants to hear when it is to use this link: its IPv4 address, or `::%eth0`. */
  readonly selector: string;
  readonly loopback: boolean;
}

/** Kernels allow 20 memberships per socket and group family; who has more links names those that matter. */
export const maxLinks = 16;

/**
 * @param only names of interfaces to use; undefined or empty: all
 */
export function listLinks(
  only?: readonly string[],
  interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]> = networkInterfaces(),
): readonly Link[] {
  const links = new Map<string, Link>();
  for (const [name, infos] of Object.entries(interfaces)) {
    for (const { family, address, internal } of infos ?? []) {
      // `lo:1`, as some systems name a second address, is the link `lo`.
      const link = name.replace(/:.*$/, '');
      if (only !== undefined && only.length > 0 && !only.includes(link)) continue;
      const key = `${link} ${family}`;
      if (links.has(key)) continue;
      links.set(key, {
        name: link,
        family,
        selector: family === 'IPv4' ? address : `::%${link}`,
        loopback: internal,
      });
    }
  }
  const all = [...links.values()];
  return (['IPv4', 'IPv6'] as const).flatMap((family) =>
    all
      .filter((it) => it.family === family)
      .sort((a, b) => Number(a.loopback) - Number(b.loopback))
      .slice(0, maxLinks),
  );
}
