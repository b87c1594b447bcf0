// What both ends of a session tell grpc-js: the one method, its limits, and nothing of its own logging, proxies or retries.
import * as grpc from '@grpc/grpc-js';
import type { SessionLimits } from './types.ts';

// It writes to stderr, which may be the terminal of someone's build; what goes wrong is told by `why`.
grpc.setLogVerbosity(grpc.logVerbosity.NONE);

/** Enough for 1 Gbit/s over a round trip of 30 ms; HTTP/2's own 64 KiB would be full after half a millisecond. */
const windowBytes = 4 * 1024 * 1024;

// Frames are encoded and decoded in stream.ts: there a bad one ends its session with a reason, and every byte is counted.
const same = (bytes: Buffer): Buffer => bytes;

export const sessionMethod: grpc.MethodDefinition<Buffer, Buffer> = {
  path: '/tender.v1.Delegator/Session',
  requestStream: true,
  responseStream: true,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

/** Under this key the delegator's last word travels, as UTF-8. */
export const whyKey = 'tender-why-bin';

export function channelOptions(limits: SessionLimits): grpc.ChannelOptions {
  return {
    'grpc.max_receive_message_length': limits.maxMessageBytes,
    'grpc.max_send_message_length': limits.maxMessageBytes,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.service_config_disable_resolution': 1,
    // A proxy that is set for the web does not lead to the next desk.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
    'grpc-node.flow_control_window': windowBytes,
  };
}
