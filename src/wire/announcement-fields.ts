// The limits on each field of an announcement that travels as a datagram.
// They hold in both directions, so that nobody sends what nobody would take.
import type { Announcement, TaskClass } from '../core/types.ts';

export const maxDemands = 16;
const maxScores = 16;
const maxNameBytes = 64 * 4;
const maxBuildBytes = 64;
const maxIdBytes = 32;
const maxCriteriaBytes = 512;
const maxPathBytes = 512;
const maxLabelBytes = 200;
const maxCount = 10_000_000;
const maxExpiryMs = 60_000;
const maxDurationMs = 0xffff_ffff;

/** The first field that is out of bounds and how, or null when all is well. */
export function findBadField(it: Announcement): string | null {
  if (!/^[0-9a-f]{16}$/.test(it.delegator)) return 'delegator: not a node id';
  if (!isText(it.delegatorName, maxNameBytes)) return 'delegator_name: too long or not printable';
  if (!isCount(it.port, 65_535) || it.port === 0) return 'port: not a TCP port';
  if (it.build === '' || !isText(it.build, maxBuildBytes)) return 'build: empty, too long or not printable';
  if (!isCount(it.seq)) return 'seq: not a whole number below 2^53';
  if (!isCount(it.offersWanted, maxCount)) return `offers_wanted: not a whole number up to ${maxCount}`;
  if (!isCount(it.expiresInMs, maxExpiryMs)) return `expires_in_ms: not a whole number up to ${maxExpiryMs}`;
  if (!isCount(it.listeners, maxCount)) return `listeners: not a whole number up to ${maxCount}`;
  if (it.scores.length > maxScores || !it.scores.every((score) => isCount(score, 0xffff_ffff)))
    return `scores: more than ${maxScores}, or not whole numbers`;
  if (it.demands.length > maxDemands) return `demands: ${it.demands.length}, and at most ${maxDemands} are allowed`;
  for (const demand of it.demands) {
    if (!isCount(demand.count, maxCount)) return `count: not a whole number up to ${maxCount}`;
    const problem = findBadClassField(demand.class);
    if (problem !== null) return problem;
  }
  return null;
}

function findBadClassField({ id, criteria, toolchain, p50Ms, p80Ms, bytes }: TaskClass): string | null {
  if (!/^(?:[0-9a-f]{2})+$/.test(id) || id.length > 2 * maxIdBytes)
    return `class id: not 1 to ${maxIdBytes} bytes as hex`;
  if (!isText(criteria, maxCriteriaBytes)) return 'criteria: too long or not printable';
  if (!(p50Ms >= 0 && p50Ms <= maxDurationMs && p80Ms >= 0 && p80Ms <= maxDurationMs))
    return 'p50_ms, p80_ms: too long';
  if (!(bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER)) return 'bytes: too large';
  if (toolchain === null) return null;
  if (!/^[0-9a-f]{64}$/.test(toolchain.digest)) return 'toolchain digest: not 32 bytes as hex';
  if (!toolchain.path.startsWith('/') || !isText(toolchain.path, maxPathBytes)) {
    return 'toolchain path: not absolute, too long or not printable';
  }
  if (!isText(toolchain.label, maxLabelBytes)) return 'toolchain label: too long or not printable';
  return null;
}

function isCount(value: number, max: number = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max;
}

/** Text that may be printed on a terminal: no control characters, no lone surrogates, no line separators. */
function isText(value: string, maxBytes: number): boolean {
  return Buffer.byteLength(value, 'utf8') <= maxBytes && !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(value);
}
