// Why a machine could not join, in words that say what to do.
// When several addresses failed in several ways, the most telling way is the one reported.
import { maxSkewMs, type EnrolmentRefusal } from './enrolment.ts';
import type { FrameProblem } from './frame.ts';
import { maxWrongSecrets } from './invites.ts';
import type { Invite } from './token.ts';
import type { UserError } from './types.ts';

/** One address that was tried in vain. */
export interface Attempt {
  readonly address: string;
  readonly why: 'unreachable' | 'timeout' | 'stranger' | 'clock';
  /** An error code or a few words. */
  readonly detail: string;
}

const newInvite = 'ask for a new invite (`tender invite` on the other machine)';

/** No address led to the inviting machine. */
export function describeFailures(invite: Invite, failures: readonly Attempt[], nowMs: number): UserError {
  if (failures.some((it) => it.why === 'clock')) {
    return {
      code: 'clock',
      message: "the inviting machine's certificate is not valid at this machine's time",
      hint: 'set the clocks of both machines (for example: timedatectl set-ntp true)',
    };
  }
  if (invite.expiresAtMs <= nowMs) {
    const minutes = Math.max(1, Math.round((nowMs - invite.expiresAtMs) / 60_000));
    return { code: 'invite-expired', message: `this invite ended ${minutes} min ago`, hint: newInvite };
  }
  const strangers = failures.filter((it) => it.why === 'stranger');
  if (strangers.length > 0) {
    return {
      code: 'not-this-cluster',
      message: `what answers at ${list(strangers, invite)} is not a machine of the cluster that invited`,
      hint: `the address may belong to another machine by now: ${newInvite}`,
    };
  }
  return {
    code: 'cannot-reach',
    message: `cannot reach the inviting machine at ${list(failures, invite)}`,
    hint: `check that both machines are on, on one network, that no firewall blocks TCP port ${invite.port}, and that the invite was not used yet`,
  };
}

/** The inviting machine was found and did not let us in. */
export function describeRefusal(answer: Record<string, unknown>, nowMs: number): UserError {
  const code = String(answer['code']) as EnrolmentRefusal | FrameProblem | 'bad-answer';
  switch (code) {
    case 'expired':
      return { code: 'invite-expired', message: 'this invite has expired', hint: newInvite };
    case 'used':
      return {
        code: 'invite-used',
        message: 'this invite was used already; each is good for one machine',
        hint: newInvite,
      };
    case 'unknown':
      return { code: 'invite-unknown', message: 'the inviting machine does not know this invite', hint: newInvite };
    case 'wrong':
      return { code: 'invite-wrong', message: "the invite's secret is wrong", hint: newInvite };
    case 'ended':
      return {
        code: 'invite-ended',
        message: `the invite was ended after ${maxWrongSecrets} wrong secrets`,
        hint: newInvite,
      };
    case 'clock': {
      const theirs = answer['nowMs'];
      const off = typeof theirs === 'number' ? Math.round((nowMs - theirs) / 1000) : Number.NaN;
      const how = Number.isNaN(off)
        ? 'too far off'
        : `${Math.abs(off)} s ${off > 0 ? 'ahead of' : 'behind'} the other's`;
      return {
        code: 'clock',
        message: `this machine's clock is ${how}; at most ${maxSkewMs / 1000} s work`,
        hint: 'set the clocks (for example: timedatectl set-ntp true) and run the same command again: the invite is still good',
      };
    }
    default:
      return {
        code: 'join-refused',
        message: `the inviting machine gave no certificate (${code.slice(0, 40)})`,
        hint: 'use the same version of Tender on both machines; if they are the same, look at the log of the other agent',
      };
  }
}

function list(attempts: readonly Attempt[], invite: Invite): string {
  return attempts
    .map(({ address, detail }) => {
      const place = address.includes(':') ? `[${address}]:${invite.port}` : `${address}:${invite.port}`;
      return detail === '' ? place : `${place} (${detail})`;
    })
    .join(', ');
}
