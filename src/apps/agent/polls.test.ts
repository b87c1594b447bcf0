// When an asker hears of the answers: after the last, or when the time is over.
import { expect, test } from 'vitest';
import { Polls } from './polls.ts';

test('after the last answer, be it the word that a worker is gone', async () => {
  const polls = new Polls();
  const asked: string[] = [];
  let over = false;
  const poll = polls.ask(['a', 'b'], (worker) => asked.push(worker), 60_000).then(() => (over = true));
  expect(asked).toEqual(['a', 'b']);
  polls.heard('a');
  polls.heard('a');
  await Promise.resolve();
  expect(over).toBe(false);
  polls.heard('b');
  await poll;
  expect(over).toBe(true);
});

test('at once when there is nobody to ask, and at the end of the time when somebody is silent', async () => {
  const polls = new Polls();
  await polls.ask([], () => expect.unreachable(), 60_000);
  await polls.ask(['silent'], () => undefined, 1);
  polls.heard('silent');
});
