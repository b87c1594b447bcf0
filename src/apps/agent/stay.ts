// Why a call runs here.
import type { StayReason } from '../../compiler/types.ts';

/** Heavy: it does work that should wait for a slot; a question to the compiler does not. */
export interface Stay {
  readonly travels: false;
  readonly reason: StayReason;
  readonly detail: string;
  readonly heavy: boolean;
}

export function stays(reason: StayReason, detail: string): Stay {
  return { travels: false, reason, detail, heavy: true };
}
