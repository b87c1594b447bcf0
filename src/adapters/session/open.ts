// The worker's end: opens a session to a delegator that it heard of, and says in one line why when that does not work.
// «Open» is when the delegator's gRPC headers are here: only then have both sides accepted each other's certificate.
import * as grpc from '@grpc/grpc-js';
import type { FromDelegator, FromWorker } from '../../wire/messages.ts';
import { fromDelegatorCodec, fromWorkerCodec } from '../../wire/session.ts';
import { channelOptions, sessionMethod, whyKey } from './channel.ts';
import { prepareDial } from './dial.ts';
import { formatAddress, whyNoConnection, whyNoHandshake } from './reasons.ts';
import { runStream } from './stream.ts';
import { defaultLimits, type SessionHandlers, type SessionIdentity, type SessionLimits } from './types.ts';

/**
 * Opens a session to the delegator at an address (IPv4, IPv6, also with a zone); it must present the certificate of node
 * `delegator`. `onClose` comes exactly once, never before this returns, also when the session never opened.
 */
export function openSession(
  options: {
    readonly host: string;
    readonly port: number;
    readonly delegator: string;
    readonly identity: SessionIdentity;
    readonly limits?: Partial<SessionLimits>;
  },
  handlers: SessionHandlers<FromDelegator, FromWorker>,
): { close(): void } {
  const limits = { ...defaultLimits, ...options.limits };
  const address = formatAddress(options.host, options.port);
  const dial = prepareDial({ ...options, address });
  const client = new grpc.Client(dial.target, dial.credentials, { ...channelOptions(limits), ...dial.options });
  const call = client.makeBidiStreamRequest(
    sessionMethod.path,
    sessionMethod.requestSerialize,
    sessionMethod.responseDeserialize,
  );
  let isOpen = false;
  let lastWord = '';
  let timer: NodeJS.Timeout | undefined = setTimeout(() => {
    const within = `within ${limits.openTimeoutMs / 1000} s`;
    stream.ended(
      dial.reached() ? `${address} did not begin a session ${within}` : `no answer from ${address} ${within}`,
    );
  }, limits.openTimeoutMs);
  const finish = (): void => {
    clearTimeout(timer);
    call.cancel();
    client.close();
    dial.end(isOpen ? limits.lingerMs : 0);
  };
  const stream = runStream(call, {
    peer: options.delegator,
    address,
    outCodec: fromWorkerCodec,
    inCodec: fromDelegatorCodec,
    handlers,
    maxMessageBytes: limits.maxMessageBytes,
    hangUp: (_why, flush) => {
      clearTimeout(timer);
      if (!flush || !isOpen) return finish();
      // The delegator answers the end of our half with the end of its own; one that does not is left after a while.
      call.end();
      timer = setTimeout(finish, limits.lingerMs);
    },
  });
  call.on('metadata', () => {
    clearTimeout(timer);
    isOpen = true;
    stream.opened();
  });
  call.on('error', (error: grpc.ServiceError) => stream.ended(explain(error)));
  call.on('status', (status: grpc.StatusObject) => {
    const [word] = status.metadata.get(whyKey);
    if (word !== undefined) lastWord = word.toString();
    // What came before it is still on its way through the stream, and `end` comes after that.
    if (status.code !== grpc.status.OK) finish();
  });
  call.on('end', () => {
    stream.ended(lastWord === '' ? 'the other side closed the session' : `the other side closed it: ${lastWord}`);
    finish();
  });

  function explain(error: grpc.ServiceError): string {
    switch (error.code) {
      case grpc.status.UNAUTHENTICATED:
        return `${address} does not accept this machine: ${error.details}`;
      case grpc.status.UNIMPLEMENTED:
        return `${address} does not serve sessions: is another version of Tender running there?`;
      case grpc.status.RESOURCE_EXHAUSTED:
        return `${address}: ${error.details}`;
      default:
    }
    if (isOpen) return `the connection to ${address} is gone`;
    return whyNoConnection(address, error.details) ?? whyNoHandshake(address, dial.problem());
  }

  return { close: () => stream.session.close('closed here') };
}
