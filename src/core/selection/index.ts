// The policies by the names that the configuration uses.
import { finish } from './finish.ts';
import { first } from './first.ts';
import { info } from './info.ts';
import { record } from './record.ts';
import type { Policy } from './types.ts';

export type PolicyName = 'first' | 'info' | 'record' | 'finish';

export const policies: Readonly<Record<PolicyName, Policy>> = { first, info, record, finish };

export const policyNames: readonly PolicyName[] = ['first', 'info', 'record', 'finish'];
