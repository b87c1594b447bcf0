// The CLI's way to a running agent: one control request, its answers as they come, and a plain word when there is no
// agent, or one that does not answer.
import { createConnection, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { err, ok } from '../../base/result.ts';
import type { Result } from '../../base/result.ts';
import { openSocketAddress } from './address.ts';
import { AnswerParser, encodeControlRequest } from './frames.ts';
import type { ControlFailure } from './types.ts';

export interface ControlOptions {
  /** How long the agent may take to say that it heard. */
  readonly firstAnswerMs?: number;
  /** How long it may then say nothing at all; it says at least `H` every two seconds. */
  readonly silenceMs?: number;
  /** Ends the call early; that is no failure. */
  readonly signal?: AbortSignal;
}

/**
 * Sends `json` to the agent that listens at `path` and hands each of its answers to `onAnswer`, until the agent ends the
 * call. What `onAnswer` throws is not caught.
 */
export async function callControl(
  path: string,
  json: unknown,
  onAnswer: (json: unknown) => void,
  { firstAnswerMs = 3000, silenceMs = 15_000, signal }: ControlOptions = {},
): Promise<Result<void, ControlFailure>> {
  const opened = await openSocketAddress(path).catch((error: NodeJS.ErrnoException) => error);
  if (opened instanceof Error) return err(connectFailure(path, opened));
  const connected = await connect(opened.address, firstAnswerMs);
  if (!connected.ok) {
    await opened.release();
    return err(connectFailure(path, connected.error));
  }
  const socket = connected.value;
  try {
    return await new Promise((resolve, reject) => {
      const parser = new AnswerParser();
      let heard = false;
      const failWith = (kind: ControlFailure['kind'], message: string): void => resolve(err({ kind, message }));
      socket.setTimeout(firstAnswerMs, () => failWith('hung', hung(path)));
      signal?.addEventListener('abort', () => resolve(ok(undefined)), { once: true });
      if (signal?.aborted === true) resolve(ok(undefined));
      socket.write(encodeControlRequest(json));
      socket.on('data', (chunk: Buffer) => {
        if (!heard) socket.setTimeout(silenceMs);
        heard = true;
        const frames = parser.push(chunk);
        if (frames === 'malformed')
          return failWith('broken', `What answers at ${path} is not an agent of this version`);
        for (const { kind, body } of frames) {
          if (kind === 'E') return resolve(ok(undefined));
          if (kind !== 'J') continue;
          const answer = parseJson(body.toString());
          if (!answer.ok) return failWith('broken', `What answers at ${path} is not an agent of this version`);
          try {
            onAnswer(answer.value);
          } catch (error) {
            return reject(error);
          }
        }
      });
      socket.once('error', (error) => resolve(err(connectFailure(path, error))));
      socket.once('close', () =>
        heard
          ? failWith('broken', `The agent at ${path} ended before it had answered`)
          : failWith('refused', `The agent at ${path} refused the request: is it of this version?`),
      );
    });
  } finally {
    socket.destroy();
    await opened.release();
  }
}

/** A socket's queue that is full is waited for, as a launcher does; the kernel tells nobody when there is room again. */
async function connect(address: string, withinMs: number): Promise<Result<Socket, NodeJS.ErrnoException>> {
  const until = performance.now() + withinMs;
  for (;;) {
    const socket = createConnection(address);
    const failure = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      socket.once('connect', () => resolve(null));
      socket.once('error', resolve);
    });
    socket.removeAllListeners();
    if (failure === null) return ok(socket);
    if (failure.code !== 'EAGAIN' || performance.now() > until) return err(failure);
    await delay(20);
  }
}

function hung(path: string): string {
  return `The agent at ${path} does not answer. It may be very busy: try again; if that does not help, end it with kill -9`;
}

function connectFailure(path: string, error: NodeJS.ErrnoException): ControlFailure {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return { kind: 'not-running', message: `No agent runs at ${path}: start one with tender agent` };
    case 'EAGAIN':
      return { kind: 'hung', message: hung(path) };
    case 'EACCES':
    case 'EPERM':
      return {
        kind: 'refused',
        message: `${path} belongs to another user: set TENDER_HOME to a directory of your own`,
      };
    default:
      return {
        kind: 'broken',
        message: `The connection to the agent at ${path} broke (${error.code ?? error.message})`,
      };
  }
}

function parseJson(text: string): Result<unknown, null> {
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(null);
  }
}
