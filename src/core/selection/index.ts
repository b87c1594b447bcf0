// The policies by the names that the configuration uses.
import { finish } from './finish.ts';
import { first } from './first.ts';
import type { Policy } from './types.ts';

export const policies: { readonly first: Policy; readonly finish: Policy } = { first, finish };
